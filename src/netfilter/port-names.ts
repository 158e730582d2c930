/**
 * Names of ports, of those in /etc/services that a node's rules are likely to have: people write them, and `nft -S` prints them; iptables-save
 * prints numbers.
 */
export const PORT_NAMES: Readonly<Record<string, number>> = {
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  bootps: 67,
  bootpc: 68,
  http: 80,
  sunrpc: 111,
  ntp: 123,
  snmp: 161,
  bgp: 179,
  ldap: 389,
  https: 443,
  syslog: 514,
  'dhcpv6-client': 546,
  'dhcpv6-server': 547,
  ldaps: 636,
  mysql: 3306,
  postgresql: 5432,
  mdns: 5353,
  'http-alt': 8080,
};
