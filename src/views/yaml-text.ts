import { stringify } from 'yaml';

/** Objects as YAML, one document each. In a module of its own, since the YAML library is loaded when it is first needed. */
export function yamlText(objects: readonly object[]): string {
  return objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n');
}
