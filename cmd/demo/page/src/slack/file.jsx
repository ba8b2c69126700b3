// A file that was shared.

import { useWorld } from "../world.js";
import { Icon } from "./icon.jsx";

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} kB` : `${(bytes / (1 << 20)).toFixed(1)} MB`);

export function FileCard({ id }) {
  const f = useWorld("file").files.get(id);
  if (!f) return null;
  const kind = f.name.split(".").at(-1).toUpperCase();
  return (
    <a class="file" href={`demo/files/${id}`} download={f.name} title={`Download ${f.name}`}>
      <span class="kind">
        <Icon of="file" size={22} />
      </span>
      <span class="about">
        <strong>{f.title || f.name}</strong>
        <small>
          {kind} · {f.name} · {size(f.length)}
        </small>
      </span>
      <Icon of="download" />
    </a>
  );
}
