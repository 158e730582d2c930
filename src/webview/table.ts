/** The twin in words: a real table, which screen readers walk and everybody can copy. */
import type { Picture } from '../translation/picture.ts';
import type { Cell } from '../translation/twin.ts';
import { asMarkdown, twinOf } from '../translation/twin.ts';
import type { Actions } from './actions.ts';
import type { Child, Element_ } from './element.ts';
import { h } from './element.ts';
import { say } from './say.ts';
import { button } from './toolkit.ts';

export function tableView(picture: Picture, actions: Actions): Element_ {
  const twin = twinOf(picture);
  return h(
    'div',
    { class: 'scroll table', key: 'table' },
    h(
      'div',
      { class: 'tools' },
      button(say('Copy as Markdown'), () => actions.copy(markdownOf(picture)), { key: 'copy' }),
    ),
    h(
      'table',
      {},
      h('caption', {}, twin.caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          twin.head.map((words) => h('th', { scope: 'col' }, say(words))),
        ),
      ),
      h(
        'tbody',
        {},
        twin.rows.map((row) =>
          h(
            'tr',
            {},
            row.map((cell, i) => (i === 0 ? h('th', { scope: 'row' }, cell.text) : h('td', {}, cellOf(cell, actions)))),
          ),
        ),
      ),
    ),
  );
}

function markdownOf(picture: Picture): string {
  const { finding } = picture;
  return asMarkdown(twinOf(picture), finding && `${finding.title} ${finding.text}`);
}

function cellOf(cell: Cell, actions: Actions): readonly Child[] {
  if (cell.code) return cell.text ? [h('code', {}, cell.text)] : [];
  if (!cell.rules) return [cell.text];
  return cell.rules
    .filter((rule) => rule.line > 0)
    .map((rule) =>
      h(
        'button',
        {
          class: 'line-link',
          key: `${rule.dump} ${rule.line}`,
          title: `${rule.text}`,
          'aria-label': say('Line {0} of {1}', rule.line, rule.dump),
          on: { click: () => actions.openRule(rule.node, rule.dump, rule.line) },
        },
        String(rule.line),
      ),
    );
}
