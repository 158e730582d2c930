/**
 * The proxy for a server by HTTPS_PROXY, HTTP_PROXY and NO_PROXY as kubectl (Go's net/http) reads them; client-node knows only the
 * kubeconfig's proxy-url. Loopback never goes through one.
 */
export function proxyFor(server: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  let url: URL;
  try {
    url = new URL(server);
  } catch {
    return undefined;
  }
  const of = (name: string): string | undefined => env[name] || env[name.toLowerCase()] || undefined;
  const proxy = of(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (!proxy || host === 'localhost' || host === '::1' || host.startsWith('127.')) return undefined;
  for (const entry of (of('NO_PROXY') ?? '').split(',').map((each) => each.trim().toLowerCase())) {
    if (entry === '') continue;
    if (entry === '*') return undefined;
    if (/^[\d.]+\/\d+$/.test(entry) ? inNetwork(host, entry) : matches(host, url.port, entry)) return undefined;
  }
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** "example.com" stands for itself and what is below it, ".example.com" only for the latter; either may name a port. */
function matches(host: string, port: string, entry: string): boolean {
  const [, name = entry, only] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (only !== undefined && only !== (port || '443')) return false;
  const bare = name.replace(/^\*?\./, '');
  return (bare === name && host === bare) || host.endsWith(`.${bare}`);
}

function inNetwork(host: string, network: string): boolean {
  const [base, length] = network.split('/');
  const [a, b] = [ipv4(host), ipv4(base!)];
  if (a === undefined || b === undefined) return false;
  const block = 2 ** (32 - Number(length));
  return Math.floor(a / block) === Math.floor(b / block);
}

function ipv4(text: string): number | undefined {
  const parts = text.split('.').map(Number);
  const valid = parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part < 256);
  return valid ? parts.reduce((sum, part) => sum * 256 + part, 0) : undefined;
}
