/** A letter in HTML is as high as its text; one that is laid out for a wider page than there is is shown smaller, so that nothing is cut off. */

/** Smaller than half nobody can read it: what is wider is moved by a bar. */
const SMALLEST = 0.5;
/** Pixels by which pages are wider than they need to be. */
const SLACK = 4;

/** What gives the frame the size that its page has by now. */
export function fitting(page: Document): () => void {
  const frame = page.defaultView!.frameElement as HTMLIFrameElement;
  const box = frame.parentElement!;
  let room = 0;
  let wide = 0; // what the page needs, where that is more than there is
  return () => {
    if (box.clientWidth !== room) {
      room = box.clientWidth;
      wide = 0;
      frame.style.width = "";
    }
    const needed = page.documentElement.scrollWidth;
    if (room > 0 && needed > Math.max(room, wide) + SLACK) {
      wide = Math.min(needed, room / SMALLEST);
      frame.style.width = `${wide}px`;
    }
    const scale = wide > room ? room / wide : 1;
    // With room for the bar by which a wide one is moved.
    const height = page.body.scrollHeight + page.defaultView!.innerHeight - page.documentElement.clientHeight;
    frame.style.height = `${height}px`;
    frame.style.transform = scale < 1 ? `scale(${scale})` : "";
    box.style.height = scale < 1 ? `${Math.ceil(height * scale)}px` : "";
  };
}
