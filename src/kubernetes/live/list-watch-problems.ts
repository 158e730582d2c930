/** What a user is told when a kind of objects cannot be followed, or not wholly. */
import type { Problem } from '../source.ts';
import { Busy, Refused } from './collection-requests.ts';
import type { Api } from './connection.ts';
import type { Resource } from './list-watch.ts';
import { Trouble, unreachable } from './trouble.ts';

export function problemOf(api: Api, error: unknown): Problem {
  if (error instanceof Trouble) return error.problem;
  if (error instanceof Refused)
    return {
      code: 'unauthorized',
      message: `${api.server} does not accept the credentials of this context`,
      advice: 'Sign in again with your cluster’s own command, or choose another context.',
      detail: error.message,
    };
  if (error instanceof Busy)
    return {
      code: 'unreachable',
      message: `${api.server} answers, but cannot serve now`,
      advice: 'It is tried again by itself; if it stays so, look at the API server’s own logs.',
      detail: error.message,
    };
  return unreachable(api.server, error);
}

export function forbidden(resource: Resource, verb: string, lost: string, detail: string): Problem {
  return {
    code: 'forbidden',
    message: `You may not ${verb} ${resource.name}: ${lost}`,
    advice: `Ask for the verbs list and watch on ${resource.name}; docs/clusterrole.yaml has all that is needed.`,
    detail,
  };
}

export function oneNamespace(resource: Resource, namespace: string): Problem {
  return {
    code: 'forbidden',
    message: `You may list ${resource.name} in the namespace ${namespace} alone: those of the others are not shown`,
    advice: `Ask for the verbs list and watch on ${resource.name} in all namespaces; docs/clusterrole.yaml has all that is needed.`,
  };
}

export function absent(resource: Resource, detail: string): Problem {
  return {
    code: 'forbidden',
    message: `The API server has no ${resource.name} under ${resource.group}: ${resource.lost}`,
    advice: 'Check the server’s version: discovery.k8s.io/v1 is served since Kubernetes 1.21.',
    detail,
  };
}
