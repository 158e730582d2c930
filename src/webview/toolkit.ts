/**
 * The controls of VS Code's look. The toolkit is archived, so it is used here alone: to replace it, replace what these functions
 * describe. It puts its styles into adopted style sheets, which the page's policy allows.
 */
import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeDropdown,
  vsCodeLink,
  vsCodeOption,
} from '@vscode/webview-ui-toolkit';
import type { Choice } from '../translation/picture.ts';
import type { Element_ } from './element.ts';
import { h } from './element.ts';

/** Defines the elements. Once, before anything is drawn. */
export function provideToolkit(): void {
  provideVSCodeDesignSystem().register(vsCodeButton(), vsCodeDropdown(), vsCodeLink(), vsCodeOption());
}

/** A labelled list of which one is chosen. */
export function dropdown(
  id: string,
  label: string,
  choices: readonly Choice[],
  chosen: string,
  choose: (id: string) => void,
): Element_ {
  return h(
    'div',
    { class: 'pick', key: id },
    h('label', { for: id, id: `${id}-label` }, label),
    h(
      'vscode-dropdown',
      {
        id,
        'aria-label': label,
        properties: { value: chosen },
        on: {
          change: (event: Event) => {
            // It says so twice for one choice.
            const { value } = event.target as unknown as { value: string };
            if (value !== chosen) choose(value);
          },
        },
      },
      choices.map((choice) => h('vscode-option', { key: choice.id, value: choice.id }, choice.label)),
    ),
  );
}

export function button(
  label: string,
  press: () => void,
  more: { readonly appearance?: 'primary' | 'secondary' | 'icon'; readonly title?: string; readonly key?: string } = {},
): Element_ {
  const { appearance = 'secondary', title, key } = more;
  return h(
    'vscode-button',
    { appearance, title, 'aria-label': title, on: { click: press }, ...(key !== undefined && { key }) },
    label,
  );
}

/** Looks like a link and acts like a button. */
export function link(label: string, press: () => void, key?: string): Element_ {
  return h(
    'vscode-link',
    {
      ...(key !== undefined && { key }),
      href: '#',
      on: {
        click: (event: Event) => {
          event.preventDefault();
          press();
        },
      },
    },
    label,
  );
}

/** Turns while something is under way. The toolkit's own ring has inline styles, which the page's policy forbids. */
export function busyRing(label: string): Element_ {
  return h('span', { class: 'busy', role: 'img', 'aria-label': label, title: label, key: 'busy' });
}
