/** A picture with what can be done about it from here, and nothing that leads nowhere. */
import { proxyPods } from '../../diagnosis/cluster.ts';
import type { ClusterSource } from '../../kubernetes/source.ts';
import type { Finding, NoPicture, Picture } from '../../translation/picture.ts';

/** A recording's rules are what they are, and it may lack the pod. */
export function offered(picture: Picture, source: Pick<ClusterSource, 'kind' | 'objects'>): Picture {
  const rereadable = source.kind === 'live';
  const leads = ({ action, argument }: Finding['actions'][number]): boolean => {
    if (action === 'pod') return argument !== undefined && proxyPods(source.objects.pods).has(argument);
    return action !== 'capture' || rereadable;
  };
  const { finding, body } = picture;
  return {
    ...picture,
    ...(body.kind === 'nothing' && !rereadable && { body: without(body) }),
    rereadable,
    ...(finding && { finding: { ...finding, actions: finding.actions.filter(leads) } }),
  };
}

function without({ capture, ...body }: NoPicture): NoPicture {
  void capture;
  return body;
}
