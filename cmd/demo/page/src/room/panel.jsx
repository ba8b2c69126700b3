// A panel of the room: a region with a title, and what belongs beside it.

export function Panel({ title, kind, beside, children, ...rest }) {
  return (
    <section class={"panel " + kind} aria-label={title} {...rest}>
      <header>
        <h2>{title}</h2>
        {beside}
      </header>
      {children}
    </section>
  );
}
