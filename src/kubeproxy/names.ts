/**
 * The names that kube-proxy gives to what it programs. A name is a hash, so it never says which Service it belongs to;
 * these functions compute it from the Service, which is how a chain in a dump gets its meaning back.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';

/** As the hashes and the rules spell a protocol. */
export type ProtocolName = 'tcp' | 'udp' | 'sctp';

/** How kube-proxy writes a service port in comments, logs and hashes: "namespace/name:port", or without ":port" where the port has no name. */
export function servicePortLabel(namespace: string, name: string, portName: string | undefined): string {
  return portName ? `${namespace}/${name}:${portName}` : `${namespace}/${name}`;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * The first `length` (a multiple of 8, at most 48) characters of the SHA-256 of a text, in base32 of RFC 4648.
 * kube-proxy cuts at 16 for iptables and at 8 for nftables.
 */
export function base32Hash(text: string, length: number): string {
  const bytes = sha256(bytesOf(text));
  let out = '';
  for (let i = 0; out.length < length; i += 5) {
    // 40 bits are eight characters. Numbers, since bigint is ten times slower and this runs once for each endpoint.
    const high = bytes[i]! * 0x1000 + bytes[i + 1]! * 0x10 + (bytes[i + 2]! >> 4);
    const low = (bytes[i + 2]! & 0xf) * 0x10000 + bytes[i + 3]! * 0x100 + bytes[i + 4]!;
    for (const part of [high, low])
      out += ALPHABET[part >> 15]! + ALPHABET[(part >> 10) & 31]! + ALPHABET[(part >> 5) & 31]! + ALPHABET[part & 31]!;
  }
  return out;
}

const buffer = new Uint8Array(512);

/** UTF-8. Names and addresses are ASCII, for which TextEncoder is slow. */
function bytesOf(text: string): Uint8Array {
  if (text.length > buffer.length) return utf8ToBytes(text);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) return utf8ToBytes(text);
    buffer[i] = code;
  }
  return buffer.subarray(0, text.length);
}

/** What the chains KUBE-SVC-, KUBE-SVL-, KUBE-EXT-, KUBE-FW- and KUBE-XLB- of one service port have in common. */
export function servicePortHash(label: string, protocol: ProtocolName): string {
  return base32Hash(label + protocol, 16);
}

/** What stands behind KUBE-SEP-. `endpoint` is "10.0.0.1:80" or "[fd00::1]:80". */
export function endpointHash(label: string, protocol: ProtocolName, endpoint: string): string {
  return base32Hash(label + protocol + endpoint, 16);
}

/** What nftables' names of one service port are built on: "namespace/name/protocol/port"; the last slash stays where the port has no name. */
export function nftServicePortBase(namespace: string, name: string, protocol: ProtocolName, portName: string): string {
  return `${namespace}/${name}/${protocol}/${portName}`;
}

/** The same for one endpoint of it. A colon may not stand in nft's names, so IPv6 has dots. */
export function nftEndpointBase(servicePortBase: string, ip: string, port: number): string {
  return `${servicePortBase}__${ip.replaceAll(':', '.')}/${port}`;
}

/** nft allows 256 bytes; kube-proxy keeps 16 of them for the prefix. */
const NFT_LIMIT = 240;

/** A chain's or set's name in the table kube-proxy: prefix is "service-", "local-", "external-", "firewall-", "endpoint-" or "affinity-". */
export function nftName(prefix: string, base: string): string {
  const name = `${base32Hash(base, 8)}-${base}`;
  return prefix + (name.length > NFT_LIMIT ? `${name.slice(0, NFT_LIMIT - 3)}...` : name);
}
