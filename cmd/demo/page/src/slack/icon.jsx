// The small line drawings of the client.

const drawings = {
  hash: "M7.5 3 5.5 17M14.5 3l-2 14M3.5 7.5h14M2.5 12.5h14",
  down: "M5 7.5 10 12.5 15 7.5",
  close: "M5 5l10 10M15 5 5 15",
  plus: "M10 4v12M4 10h12",
  send: "M3 3.5 17.5 10 3 16.5 5 10zM5 10h6",
  eye: "M1.5 10S4.5 4.5 10 4.5 18.5 10 18.5 10 15.5 15.5 10 15.5 1.5 10 1.5 10zM10 7.6a2.4 2.4 0 1 0 0 4.8 2.4 2.4 0 0 0 0-4.8",
  reply: "M3 4h14v9.5H9L5 17v-3.5H3z",
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  back: "M12.5 4.5 7 10l5.5 5.5",
  file: "M5 2.5h6.5l3.5 4v11H5zM11.5 2.5v4H15",
  download: "M10 3v9M6 8.5l4 4 4-4M4 16.5h12",
  bolt: "M11 2 4.5 11.5H9L8 18l7-9.5h-4.5z",
  people: "M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6M2 16.5c0-3 2.5-5 5.5-5s5.5 2 5.5 5M13 9.2a2.6 2.6 0 1 0-.5-5M15 11.8c1.8.6 3 2.4 3 4.7",
  warning: "M10 3 18 16.5H2zM10 8v4.2M10 14.3v.2",
};

export function Icon({ of, size = 18 }) {
  return (
    <svg class="icon" aria-hidden="true" width={size} height={size} viewBox="0 0 20 20">
      <path d={drawings[of]} fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
