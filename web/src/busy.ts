/**
 * What a button does takes its time: it says so (`aria-disabled`) and is deaf meanwhile, but keeps the keyboard, which `disabled` would take
 * away.  Enter in a form clicks its button, and is deaf with it.
 */
document.addEventListener(
  "click",
  (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("button[aria-disabled=true]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  },
  true,
);
