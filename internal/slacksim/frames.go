package slacksim

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
)

// frameWatch follows the bytes that a WebSocket client sends and notes of each
// message whether it came in more than one frame. The WebSocket library puts
// fragments together silently; Slack does not.
type frameWatch struct {
	header     []byte // of the frame that is being read
	skip       uint64 // bytes of its payload still to come
	open       bool   // a message has started and not ended
	fragmented []bool // one for each whole message that next has not returned yet
}

// next reports whether the oldest message that it has not returned yet was fragmented.
func (f *frameWatch) next() bool {
	if len(f.fragmented) == 0 {
		return false
	}
	was := f.fragmented[0]
	f.fragmented = f.fragmented[1:]
	return was
}

// see takes the next bytes of the stream.
func (f *frameWatch) see(p []byte) {
	for len(p) > 0 {
		if f.skip > 0 {
			n := min(f.skip, uint64(len(p)))
			f.skip -= n
			p = p[n:]
			continue
		}
		f.header = append(f.header, p[0])
		p = p[1:]
		if len(f.header) < 2 {
			continue
		}
		size, extra := uint64(f.header[1]&0x7f), 0
		switch size {
		case 126:
			extra = 2
		case 127:
			extra = 8
		}
		masked := 4 * int(f.header[1]>>7)
		if len(f.header) < 2+extra+masked {
			continue
		}
		switch extra {
		case 2:
			size = uint64(binary.BigEndian.Uint16(f.header[2:]))
		case 8:
			size = binary.BigEndian.Uint64(f.header[2:])
		}
		f.frame(f.header[0]&0x80 != 0, f.header[0]&0x0f)
		f.header, f.skip = f.header[:0], size
	}
}

func (f *frameWatch) frame(last bool, opcode byte) {
	if opcode >= 8 {
		return // control frames may come between fragments
	}
	if last {
		f.fragmented = append(f.fragmented, f.open)
	}
	f.open = !last
}

// tappedWriter is a response writer whose hijacked connection shows what is
// read from it to a frameWatch.
type tappedWriter struct {
	http.ResponseWriter
	frames frameWatch
}

// Hijack takes over the connection.
func (t *tappedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h, ok := t.ResponseWriter.(http.Hijacker)
	if !ok {
		return nil, nil, errors.New("slacksim: connection cannot be taken over")
	}
	c, rw, err := h.Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &tappedConn{c, &t.frames}, rw, nil
}

type tappedConn struct {
	net.Conn
	frames *frameWatch
}

func (c *tappedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.frames.see(p[:n])
	return n, err
}
