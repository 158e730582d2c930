/** Which Service a packet is addressed to, and by which of its ways in. */
import type { ClusterObjects, Service } from '../kubernetes/objects.ts';
import { formatAddress } from '../netfilter/address.ts';
import type { PacketCase } from '../netfilter/outcome.ts';
import { nodeAt, servicesAt, servicesWithNodePort } from './directory.ts';
import { storyOf } from './service.ts';
import type { PortStory, ServiceStory, Way } from './story.ts';

export interface Addressed {
  /** Those that have the destination as a VIP, whatever the port. */
  readonly services: readonly Service[];
  /** The way in that the packet takes, where it goes to a port that one of the Services has. */
  readonly taken?: { readonly story: ServiceStory; readonly port: PortStory; readonly way: Way };
}

export function addressedBy(objects: ClusterObjects, packet: PacketCase): Addressed {
  const address = formatAddress(packet.destination);
  const services = servicesAt(objects, address);
  const { destinationPort: number } = packet;
  if (number === undefined) return { services };
  const here = nodeAt(objects, address) ? servicesWithNodePort(objects, number) : [];
  const { family } = packet.destination;
  for (const service of [...services, ...here]) {
    const story = storyOf(objects, service);
    for (const port of story.ports)
      for (const way of port.ways)
        if (
          (way.kind === 'nodePort' && way.address === undefined ? here.includes(service) : way.address === address) &&
          way.family === family &&
          way.port === number &&
          way.protocol.toLowerCase() === packet.protocol
        )
          return { services, taken: { story, port, way } };
  }
  return { services };
}
