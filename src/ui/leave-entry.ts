/** Moves the focus on before the entry of a list that holds this element disappears, so that it is not lost. */
export function leaveEntry(element: Element): void {
  const entry = element.closest('li');
  const next = entry?.nextElementSibling ?? entry?.previousElementSibling;
  const target = next?.querySelector<HTMLElement>('a, button') ?? document.getElementById('content');
  target?.focus({ preventScroll: true });
}
