package main

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"maps"
	"slices"
	"time"
)

// film is an animated picture in the making.
type film struct {
	frames []*image.RGBA
	shown  []time.Duration
}

// add adds a PNG that is shown for a while. One that is the same as the last
// makes that one last longer.
func (f *film) add(picture []byte, shown time.Duration) error {
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return err
	}
	frame := image.NewRGBA(decoded.Bounds())
	for y := range frame.Rect.Dy() {
		for x := range frame.Rect.Dx() {
			frame.Set(x, y, decoded.At(x, y))
		}
	}
	if n := len(f.frames); n > 0 && bytes.Equal(f.frames[n-1].Pix, frame.Pix) {
		f.shown[n-1] += shown
		return nil
	}
	f.frames, f.shown = append(f.frames, frame), append(f.shown, shown)
	return nil
}

// write writes the film as a GIF that repeats endlessly. A frame holds only what
// has changed since the one before.
func (f *film) write(out io.Writer) error {
	palette := f.palette()
	nearest := map[color.RGBA]uint8{}
	var g gif.GIF
	for i, frame := range f.frames {
		changed := frame.Rect
		if i > 0 {
			changed = difference(f.frames[i-1], frame)
		}
		p := image.NewPaletted(changed, palette)
		for y := changed.Min.Y; y < changed.Max.Y; y++ {
			for x := changed.Min.X; x < changed.Max.X; x++ {
				c := frame.RGBAAt(x, y)
				if i > 0 && c == f.frames[i-1].RGBAAt(x, y) {
					p.SetColorIndex(x, y, 0)
					continue
				}
				n, known := nearest[c]
				if !known {
					n = uint8(1 + palette[1:].Index(c))
					nearest[c] = n
				}
				p.SetColorIndex(x, y, n)
			}
		}
		g.Image = append(g.Image, p)
		g.Delay = append(g.Delay, int(f.shown[i]/(10*time.Millisecond)))
		g.Disposal = append(g.Disposal, gif.DisposalNone)
	}
	return gif.EncodeAll(out, &g)
}

// palette is a see-through first colour and the colours that cover the most. A
// page has few: close ones are counted together, which leaves room for rare ones.
func (f *film) palette() color.Palette {
	type bin struct {
		colours map[color.RGBA]int
		count   int
	}
	bins := map[[3]uint8]*bin{}
	for _, frame := range f.frames {
		for i := 0; i < len(frame.Pix); i += 4 {
			c := color.RGBA{frame.Pix[i], frame.Pix[i+1], frame.Pix[i+2], 255}
			key := [3]uint8{c.R >> 3, c.G >> 3, c.B >> 3}
			if bins[key] == nil {
				bins[key] = &bin{colours: map[color.RGBA]int{}}
			}
			bins[key].colours[c]++
			bins[key].count++
		}
	}
	by := slices.SortedFunc(maps.Values(bins), func(a, b *bin) int { return cmp.Compare(b.count, a.count) })
	palette := color.Palette{color.RGBA{}}
	for _, b := range by[:min(len(by), 255)] {
		var most color.RGBA
		for c, n := range b.colours {
			if n > b.colours[most] || n == b.colours[most] && c.R < most.R {
				most = c
			}
		}
		palette = append(palette, most)
	}
	return palette
}

// difference is the smallest rectangle that holds every pixel that differs.
func difference(a, b *image.RGBA) image.Rectangle {
	var r image.Rectangle
	for y := range b.Rect.Dy() {
		for x := range b.Rect.Dx() {
			if a.RGBAAt(x, y) != b.RGBAAt(x, y) {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r
}
