/** A node's history in words: when something changed, and what each capture showed of it. */
import { boundsOf, type Moment, type NodeHistory, type ProgrammedChange } from '../diagnosis/latency.ts';
import type { Pending } from '../diagnosis/pending.ts';
import { seconds } from '../diagnosis/seconds.ts';
import { clock } from './moments.ts';
import { listOf, t } from './words.ts';

export interface TimelineEvent {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly kind: 'changed' | 'read';
  readonly words: string;
  readonly mark: 'good' | 'warning' | 'error' | 'quiet';
}

/** Of one capture so many changes are named. */
const NAMED = 3;

/** The newest first. */
export function timelineOf({ moments }: NodeHistory): readonly TimelineEvent[] {
  const changes = new Map<string, ProgrammedChange>();
  for (const { shown, pending, late } of moments)
    for (const change of [...shown, ...pending, ...late]) changes.set(`${change.changed} ${change.service}`, change);
  const events: readonly TimelineEvent[] = [
    ...moments.map((moment): TimelineEvent => ({ at: moment.at, kind: 'read', ...momentWords(moment) })),
    // Many at once are one event: a rollout touches Services by the dozen.
    ...[...Map.groupBy(changes.values(), ({ changed }) => changed)].map(([at, together]): TimelineEvent => ({
      at,
      kind: 'changed',
      words: t(
        '{0} changed',
        listOf(
          together.map(({ service }) => service),
          NAMED,
        ),
      ),
      mark: 'quiet',
    })),
  ];
  return [...events].sort((a, b) => b.at - a.at);
}

/** The newest that a reading told and the one before it did not: "shop/cart programmed within 2 s". */
export function newestIn({ moments }: NodeHistory): string {
  for (const [i, moment] of moments.entries()) {
    const { drifted } = moment;
    const before = moments[i + 1]?.drifted;
    const others = before !== undefined && drifted !== undefined && drifted !== before;
    const news = [...changesIn(moment), ...(others ? [t('{0} drifted', drifted)] : [])];
    if (news.length > 0) return news.join(', ');
  }
  return t('nothing has changed since it was first read');
}

/** "17:03:12 shop/cart programmed within 2 s". */
export function eventWords({ at, words }: TimelineEvent): string {
  return `${clock(at)} ${words}`;
}

function momentWords(moment: Moment): Pick<TimelineEvent, 'words' | 'mark'> {
  const { drifted, pending } = moment;
  if (drifted === undefined) return { words: t('read, and cannot be compared'), mark: 'warning' };
  const mark = drifted > 0 ? 'error' : pending.length > 0 ? 'warning' : 'good';
  const parts = [...changesIn(moment), ...(drifted > 0 ? [t('{0} drifted', drifted)] : [])];
  return { words: parts.length > 0 ? t('read: {0}', parts.join(', ')) : t('read: nothing new'), mark };
}

function changesIn({ shown, pending, late, at }: Moment): readonly string[] {
  return [
    ...shown.slice(0, NAMED).map(programmedWords),
    ...(shown.length > NAMED ? [t('and {0} more', shown.length - NAMED)] : []),
    ...(pending.length > 0
      ? [
          t(
            '{0} pending',
            listOf(
              pending.map(({ service }) => service),
              NAMED,
            ),
          ),
        ]
      : []),
    ...late
      .slice(0, NAMED)
      .map(({ service, changed }) => t('{0} not programmed after {1} s', service, seconds(at - changed))),
  ];
}

function programmedWords(change: ProgrammedChange): string {
  const { least, most } = boundsOf(change) ?? { least: 0, most: 0 };
  return least > 0
    ? t('{0} programmed {1} to {2} s after its change', change.service, seconds(least), seconds(most))
    : t('{0} programmed within {1} s', change.service, seconds(most));
}

/** Why something that is missing may be on its way. */
export function pendingWords({ age, due }: Pending): string {
  return age === 0
    ? t('the rules were read before the change')
    : t('changed {0} s before the rules were read; kube-proxy may take {1} s', seconds(age), seconds(due));
}
