// Builds the page into the folder given (dist by default). The same sources
// and package-lock.json give the same bytes; `make page-check` holds that.
import { readFileSync, mkdirSync, writeFileSync, copyFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "dist");
mkdirSync(out, { recursive: true });

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: { page: "src/main.jsx" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome111", "firefox114", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  alias: { react: "preact/compat", "react-dom": "preact/compat", "react/jsx-runtime": "preact/jsx-runtime" },
  define: { "process.env.NODE_ENV": '"production"' },
  loader: { ".woff2": "dataurl", ".woff": "empty" },
  legalComments: "none", // LICENSES.txt holds the whole texts
  metafile: true,
  logLevel: "warning",
});
copyFileSync(join(here, "src/index.html"), join(out, "index.html"));
writeFileSync(join(out, "LICENSES.txt"), licenses(Object.keys(metafile.inputs)));

// licenses gathers the licence of every package of which something is in the bundle.
function licenses(inputs) {
  const packages = new Map();
  for (const file of inputs) {
    const at = file.lastIndexOf("node_modules/");
    if (at < 0) continue;
    const parts = file.slice(at + "node_modules/".length).split("/");
    const name = parts[0].startsWith("@") ? parts[0] + "/" + parts[1] : parts[0];
    packages.set(name, file.slice(0, at) + "node_modules/" + name);
  }
  const texts = [...packages].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, folder]) => {
    const { version, license } = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
    const file = readdirSync(join(here, folder)).find((f) => /^licen[sc]e/i.test(f));
    const text = file ? readFileSync(join(here, folder, file), "utf8").trim() : `(${license})`;
    return `${name} ${version}: ${license}\n\n${text}\n`;
  });
  return "What the page is made of, besides its own sources.\n\n" + texts.join("\n" + "-".repeat(72) + "\n\n");
}
