import { options, render, type VNode } from 'preact';
import { visibleText } from '../util/visible-text.ts';
import { continueSignIn } from './shared/oauth.ts';
import { Shell } from './shell.tsx';

/** Attributes that are read out or shown, with every string among the children. Fields keep the typed text. */
const SHOWN = ['children', 'aria-label', 'title', 'alt'];

/** Shows the characters that memories and other machines hide in texts and names, wherever the page has them. */
function showHidden({ props }: VNode<Record<string, unknown>>): void {
  for (const name of SHOWN) if (Object.hasOwn(props, name)) props[name] = shown(props[name]);
}

function shown(value: unknown): unknown {
  if (typeof value === 'string') return visibleText(value);
  return Array.isArray(value) ? value.map(shown) : value;
}

options.vnode = (vnode) => {
  // The rest is text alone, whose element was seen before.
  if (typeof vnode.type === 'string' || typeof vnode.type === 'function') showHidden(vnode);
};

await continueSignIn();
render(<Shell />, document.body);
