import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mayHoldService, serviceAt, withoutTemplates } from '../../src/views/yaml-service.ts';
import { SAMPLE_YAML } from './sample.ts';

/** Looks at the place of "|" in the text. */
function at(marked: string): ReturnType<typeof serviceAt> {
  const offset = marked.indexOf('|');
  return serviceAt(marked.slice(0, offset) + marked.slice(offset + 1), offset);
}

const SERVICE = `apiVersion: v1
kind: Service
metadata:
  name: front # the shop window
  namespace: shop
spec:
  selector: {app: front}
  ports:
    - {name: http, port: 80, targetPort: http}
    - name: https
      port: 443
`;

test('A file without a Service is left alone', () => {
  assert.equal(mayHoldService('kind: ConfigMap\n'), false);
  assert.equal(mayHoldService('kind: ServiceAccount\n'), false);
  assert.equal(mayHoldService('kind: Service\n'), true);
  assert.equal(mayHoldService('  kind: "Service" # of ours\n'), true);
  assert.equal(mayHoldService('{"kind": "Service", "spec": {}}'), true);
});

test('On its name it is the Service, on a label the selector, on a port that port', () => {
  const name = at(SERVICE.replace('front #', 'fr|ont #'));
  assert.deepEqual(name?.service.metadata, { name: 'front', namespace: 'shop' });
  assert.equal(name?.about.kind, 'service');
  assert.equal(at(SERVICE.replace('app:', 'a|pp:'))?.about.kind, 'selector');
  assert.deepEqual(at(SERVICE.replace('{name: http', '{na|me: http'))?.about.kind, 'port');
  const second = at(SERVICE.replace('443', '44|3'));
  assert.ok(second?.about.kind === 'port' && second.about.index === 1);
  assert.deepEqual(second.service.spec.ports, [
    { name: 'http', port: 80, targetPort: 'http' },
    { name: 'https', port: 443 },
  ]);
});

test('There is nothing to say about the rest', () => {
  assert.equal(at(SERVICE.replace('apiVersion', 'api|Version')), undefined);
  assert.equal(at(SERVICE.replace('# the shop', '# the| shop'))?.about.kind, undefined);
});

test('Of several documents the one around the place counts', () => {
  const text = `# first\nkind: ConfigMap\n---\n${SERVICE}---\n${SERVICE.replaceAll('front', 'back')}`;
  assert.equal(at(text.replace('name: back', 'name: b|ack'))?.service.metadata.name, 'back');
  assert.equal(at(text.replace('name: front', 'name: f|ront'))?.service.metadata.name, 'front');
  assert.equal(at(text.replace('ConfigMap', 'Config|Map')), undefined);
  const start = SAMPLE_YAML.indexOf('app: frnt');
  assert.equal(serviceAt(SAMPLE_YAML, start + 2)?.service.metadata.name, 'typo');
  const range = serviceAt(SAMPLE_YAML, start + 2)!.about.range;
  assert.equal(SAMPLE_YAML.slice(range.start, range.end).trim(), 'selector:\n    app: frnt');
});

test('Anchors and merges are followed', () => {
  const text = `kind: Service
metadata: {name: a, labels: &labels {app: front, tier: web}}
spec:
  selector:
    <<: *labels
    ti|er: api
`;
  assert.deepEqual(at(text)?.service.spec.selector, { app: 'front', tier: 'api' });
  const alias = 'kind: Service\nmetadata: {name: a, labels: &labels {app: front}}\nspec:\n  selector: *lab|els\n';
  assert.deepEqual(at(alias)?.service.spec.selector, { app: 'front' });
});

test('A Service in a List is found', () => {
  const text = `kind: List
items:
  - kind: ConfigMap
    metadata: {name: c}
  - kind: Service
    metadata: {name: in|side}
`;
  assert.equal(at(text)?.service.metadata.name, 'inside');
});

test('Half-written YAML still says what it says', () => {
  const text = `kind: Service
metadata:
  name: front
spec:
  selector:
    app: fr|ont
  ports:
    - port: 80
      targetPort: [
`;
  assert.deepEqual(at(text)?.service.spec.selector, { app: 'front' });
});

test('A Helm template is read as far as it is YAML', () => {
  const text = `{{- if .Values.service.enabled }}
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-fr|ont
  labels:
    {{- include "chart.labels" . | nindent 4 }}
spec:
  type: {{ .Values.service.type }}
  ports:
    - port: {{ .Values.service.port }}
      targetPort: http
  selector:
    app: front
{{- end }}
`;
  const found = at(text);
  assert.ok(found?.pattern);
  assert.ok(found.pattern.test('prod-front'));
  assert.ok(!found.pattern.test('prod-back'));
  assert.deepEqual(found.service.spec.selector, { app: 'front' });
  assert.equal(found.service.metadata.namespace, undefined);
});

test('Without its templates a text keeps every place', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('{{ x }}', '{{- if a }}', '{{', '}}', 'name: ', 'a', '\n', '  ', '#', '"')),
      (parts) => {
        const text = parts.join('');
        const plain = withoutTemplates(text);
        assert.equal(plain.length, text.length);
        assert.deepEqual(
          [...plain.matchAll(/\n/g)].map(({ index }) => index),
          [...text.matchAll(/\n/g)].map(({ index }) => index),
        );
      },
    ),
  );
});

test('No text and no place makes it throw', () => {
  const piece = fc.constantFrom(
    'kind: Service\n',
    'metadata:\n',
    '  name: a\n',
    'spec: {',
    '}\n',
    '---\n',
    '- ',
    'ports:\n',
    '*x',
    '&x ',
    '<<: ',
    '? ',
    '\t',
    '{{',
    '}}',
    '[',
    '|',
    '"',
    "'",
    '\r\n',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.nat(400), (parts, offset) => {
      const text = parts.join('');
      serviceAt(text, Math.min(offset, text.length));
    }),
    { numRuns: 2000 },
  );
});
