/** Breaks the table kube-proxy in the JSON of `nft -j list ruleset`, one thing at a time, chosen by a seed. */
import { random, type Mutation } from './mutations.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Body = { [key: string]: Json };

export function breakNftables(text: string, seed: number): Mutation {
  const next = random(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)]!;
  for (;;) {
    const listing = JSON.parse(text) as { nftables: { [kind: string]: Body }[] };
    const objects = listing.nftables;
    const of = (kind: string): Body[] =>
      objects.flatMap((object) => (object[kind]?.['table'] === 'kube-proxy' ? [object[kind]] : []));
    const rules = of('rule').filter((rule) => rule['family'] === 'ip');
    const holders = [...of('set'), ...of('map')].filter(
      (body) => body['family'] === 'ip' && Array.isArray(body['elem']) && !String(body['name']).startsWith('affinity-'),
    );
    const bases = of('chain').filter((body) => body['family'] === 'ip' && body['hook'] !== undefined);
    const remove = (body: Body): void =>
      void objects.splice(
        objects.findIndex((object) => Object.values(object)[0] === body),
        1,
      );
    const words = (body: Body): string => JSON.stringify({ ...body, handle: undefined, elem: undefined });
    const done = (what: string, body?: Body, of?: Json): Mutation => {
      const said = `${what}: ${body ? words(body) : ''} ${of === undefined ? '' : JSON.stringify(of)}`;
      return { words: said, text: JSON.stringify(listing), affinity: said.includes('affinity-') };
    };
    const rule = pick(rules);
    const expr = rule['expr'] as Body[];
    const holder = pick(holders);
    const elements = holder['elem'] as Json[];
    const e = Math.floor(next() * elements.length);
    const kinds: (() => Mutation | undefined)[] = [
      () => {
        const was = done('drop a rule', rule);
        remove(rule);
        return { ...was, text: JSON.stringify(listing) };
      },
      () => {
        const [gone] = elements.splice(e, 1);
        return done('drop an element', holder, gone!);
      },
      () => {
        const was = elements[e]!;
        elements[e] = deep(was, (value) =>
          typeof value === 'string' && /^[\d.]+$/.test(value) ? neighbour(value) : value,
        );
        return done('another address in an element', holder, was);
      },
      () => {
        const was = elements[e]!;
        elements[e] = deep(was, (value) => (typeof value === 'number' ? value + 1 : value));
        return done('another port in an element', holder, was);
      },
      () => {
        const chains = of('chain')
          .filter((body) => body['family'] === 'ip' && body['hook'] === undefined)
          .map((body) => String(body['name']));
        const was = elements[e]!;
        const target = pick(chains);
        elements[e] = deep(was, (value) => (typeof value === 'string' && chains.includes(value) ? target : value));
        return done(`an element to ${target} instead`, holder, was);
      },
      () => {
        const was = done('another address in a rule', rule);
        rule['expr'] = deep(expr, (value) =>
          typeof value === 'string' && /^\d+\.\d+\.\d+\.\d+$/.test(value) ? neighbour(value) : value,
        );
        return { ...was, text: JSON.stringify(listing) };
      },
      () => {
        const was = done('another number in a rule', rule);
        rule['expr'] = deep(expr, (value) =>
          value === 16384 ? 32768 : typeof value === 'number' && value > 1 && value < 65535 ? value + 1 : value,
        );
        return { ...was, text: JSON.stringify(listing) };
      },
      () => {
        const was = done('drop a statement', rule);
        if (expr.length < 2) return undefined;
        expr.splice(Math.floor(next() * (expr.length - 1)), 1);
        return { ...was, text: JSON.stringify(listing) };
      },
      () => {
        const own = rules.filter((other) => other['chain'] === rule['chain']);
        const i = own.indexOf(rule);
        const other = own[i + 1];
        if (!other) return undefined;
        [rule['expr'], other['expr']] = [other['expr']!, rule['expr']!];
        const said = done('two rules in another order', rule);
        return { ...said, affinity: said.affinity || words(other).includes('affinity-') };
      },
      () => {
        const chain = String(rule['chain']);
        for (const other of rules) if (other['chain'] === chain) remove(other);
        return done(`empty chain ${chain}`);
      },
      () => {
        const name = 'service-AAAAAAAA-shop/gone/tcp/http';
        objects.push({ chain: { family: 'ip', table: 'kube-proxy', name, handle: 9999 } });
        objects.push({
          rule: { family: 'ip', table: 'kube-proxy', chain: name, handle: 9998, expr: [{ drop: null }] },
        });
        return done('a stale chain');
      },
      () => {
        for (const body of [...of('rule'), ...of('chain')]) {
          body['handle'] = Number(body['handle']) + 100;
          delete body['comment'];
        }
        return done('strip comments, other handles');
      },
      () => {
        elements.reverse();
        return done('elements in another order', holder);
      },
      () => {
        const at = objects.findIndex((object) => object['rule'] === rule);
        objects.splice(at, 0, { rule: { ...rule, expr: deep(expr, (value) => value) } });
        return done('a rule twice', rule);
      },
      () => {
        const at = objects.findIndex((object) => object['rule'] === rule);
        objects.splice(at, 0, { rule: { ...rule, expr: [{ counter: { packets: 0, bytes: 0 } }] } });
        return done('a rule that counts before', rule);
      },
      () => {
        const at = objects.findIndex((object) => object['rule'] === rule);
        objects.splice(at, 0, { rule: { ...rule, expr: [{ return: null }] } });
        return done('a return before', rule);
      },
      () => {
        const base = pick(bases);
        const was = done('another policy', base);
        base['policy'] = 'drop';
        return { ...was, text: JSON.stringify(listing) };
      },
      () => {
        const base = pick(bases);
        const was = done('another priority', base);
        base['prio'] = Number(base['prio']) + pick([-200, 5, 150]);
        return { ...was, text: JSON.stringify(listing) };
      },
    ];
    const mutation = pick(kinds)();
    if (mutation) return mutation;
  }
}

function deep<T extends Json>(value: T, edit: (leaf: Json) => Json): T {
  if (Array.isArray(value)) return value.map((inner) => deep(inner, edit)) as T;
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, deep(inner, edit)])) as T;
  return edit(value) as T;
}

function neighbour(ip: string): string {
  return ip.replace(/\d+$/, (last) => (last === '1' ? '7' : '1'));
}
