#!/usr/bin/env python3
"""Asks the Linux kernel what becomes of packets.

Reads jobs from standard input, one JSON object a line, and answers each with one line. A job:

    {"load": [{"run": ["iptables-legacy-restore"], "input": TEXT}, ...],    rules, in the order of loading
     "network": {"interfaces": [NAME], "addresses": [[PREFIX, NAME]], "routes": [[PREFIX, NAME]]},
     "cases": [{"in": NAME | "local", "src", "dst", "proto": "tcp|udp|sctp|icmp", "dport", "n": COUNT,
                "known": true}],                  with it, of each connection the first packet and its answer went before
     "list": [["iptables-legacy-save", "-c"], ...]}                        printed after the packets

    {"cases": [{"accept": {"IP:PORT": {"n", "masquerade", "sources": {IP: n}}}, "reject": {"icmp 3": n}, "drop": n}],
     "lists": [TEXT]}            or {"error": WORDS} where a command failed

Every job runs in a network namespace of its own, which ends with it. Packets come in through TUN devices, or from the
node itself through a raw socket, and carry a number that no translation changes: TCP's sequence number, or the first
bytes of what is carried. Our own nft table sees them (NFLOG) after all rules, in INPUT and POSTROUTING, and takes them
away there, so no stack answers and nothing leaves; and it sees the answers of REJECT, which quote or acknowledge that
number, before the node's own OUTPUT rules may drop them. A packet over lo is seen in INPUT, its second pass.
What was never seen was dropped.
"""
import ctypes, fcntl, ipaddress, json, os, socket, struct, subprocess, sys, tempfile, time, traceback

CLONE_NEWNET = 0x40000000
IFF_TUN, IFF_NO_PI, TUNSETIFF = 0x1, 0x1000, 0x400454CA
GROUP = 77
OWN = """table inet oracle {
 chain input { type filter hook input priority 2000; log prefix "P" group %d queue-threshold 1; drop; }
 chain post { type filter hook postrouting priority 2000; oifname "lo" accept; log prefix "P" group %d queue-threshold 1; drop; }
 chain answers {
  type filter hook output priority -1000;
  icmpv6 type { 130-137, 143 } drop
  icmp type redirect drop
  icmp type destination-unreachable log prefix "R" group %d queue-threshold 1 drop
  icmpv6 type destination-unreachable log prefix "R" group %d queue-threshold 1 drop
  tcp flags & rst == rst log prefix "R" group %d queue-threshold 1 drop
 }
 chain forwarded { type filter hook prerouting priority -199; jump answered; }
 chain local { type filter hook output priority -199; jump answered; }
 chain answered {
  meta l4proto tcp @th,32,8 != 0x50 return
  meta l4proto udp @th,64,8 != 0x50 return
  meta l4proto != { tcp, udp } return
  ct direction reply log prefix "A" group %d queue-threshold 1
  drop
 }
}
""" % ((GROUP,) * 6)
# The first packets of connections that are to be known have numbers that no other packet has, and really leave: only then
# does conntrack keep the connection. Their answers end where conntrack has seen them, so that no rule behind it does.
FIRST, ANSWER = 0x40000000, 0x50000000
OWN = OWN.replace("queue-threshold 1; drop;", "queue-threshold 1; meta l4proto tcp @th,32,32 & 0xff000001 == 0x40000000 accept; meta l4proto udp @th,64,32 & 0xff000001 == 0x40000000 accept; drop;")
NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132, "icmp": 1, "icmp6": 58}


def checksum(data):
    if len(data) & 1:
        data += b"\0"
    s = sum(struct.unpack("!%dH" % (len(data) >> 1), data))
    s = (s & 0xFFFF) + (s >> 16)
    return ~(s + (s >> 16)) & 0xFFFF


def packet(proto, src, dst, sport, dport, tag, flags=2, ack=0):
    """src and dst are packed. A TCP SYN, an SCTP INIT, a UDP datagram or an echo request that carries the tag."""
    v6 = len(src) == 16
    number = NUMBERS["icmp6" if v6 and proto == "icmp" else proto]
    mark = struct.pack("!L", tag)
    if proto == "tcp":
        l4, at = struct.pack("!HHLLBBHHH", sport, dport, tag, ack, 5 << 4, flags, 64240, 0, 0), 16
    elif proto == "udp":
        l4, at = struct.pack("!HHHH", sport, dport, 16, 0) + mark + mark, 6
    elif proto == "icmp":
        l4, at = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, sport, 1) + mark + mark, 2
    else:
        l4, at = struct.pack("!HHLL", sport, dport, 0, 0) + struct.pack("!BBHLLHHL", 1, 0, 20, tag, 65535, 1, 1, 1), None
    if at is not None:
        size = struct.pack("!LHBB", len(l4), 0, 0, number) if v6 else struct.pack("!BBH", 0, number, len(l4))
        c = checksum((b"" if proto == "icmp" and not v6 else src + dst + size) + l4)
        l4 = l4[:at] + struct.pack("!H", c or (0xFFFF if proto == "udp" else 0)) + l4[at + 2:]
    if v6:
        return struct.pack("!LHBB", 6 << 28, len(l4), number, 64) + src + dst + l4
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(l4), tag & 0xFFFF, 0, 64, number, 0) + src + dst
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + l4


def read_packet(data):
    """-> (proto, src, dst, sport, dport, tag, rest of the answer) of a packet, or of what one quotes."""
    v6 = data[0] >> 4 == 6
    if v6:
        number, src, dst, l4 = data[6], data[8:24], data[24:40], data[40:]
    else:
        number, src, dst, l4 = data[9], data[12:16], data[16:20], data[(data[0] & 15) * 4:]
    if number in (1, 58):
        tag = struct.unpack("!L", l4[8:12])[0] if len(l4) >= 12 else None
        # an echo's identifier is what nat changes in the place of a port
        return number, src, dst, struct.unpack("!H", l4[4:6])[0] if len(l4) >= 6 else None, None, tag, l4
    sport, dport = struct.unpack("!HH", l4[:4])
    at = 4 if number == 6 else 8 if number == 17 else 16
    tag = struct.unpack("!L", l4[at:at + 4])[0] if len(l4) >= at + 4 else None
    return number, src, dst, sport, dport, tag, l4


class Log:
    """NFLOG of our group in this namespace."""

    def __init__(self):
        self.s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.s.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)  # SO_RCVBUFFORCE
        self.s.bind((0, 0))
        self.s.settimeout(5)
        self.ask(1, b"\x01")  # bind
        self.ask(2, struct.pack("!LBB", 0xFFFF, 2, 0))  # whole packets
        self.s.setblocking(False)

    def ask(self, kind, value):
        attribute = struct.pack("HH", 4 + len(value), kind) + value
        body = struct.pack("!BBH", 0, 0, GROUP) + attribute + b"\0" * (-len(attribute) % 4)
        self.s.send(struct.pack("LHHLL".replace("L", "I"), 16 + len(body), (4 << 8) | 1, 5, 0, 0) + body)
        answer = self.s.recv(65536)
        error = struct.unpack("i", answer[16:20])[0]
        if error:
            raise OSError(-error, "NFLOG: " + os.strerror(-error))

    def read(self):
        """-> [(prefix, packet, the number of the interface that it leaves by)]"""
        out = []
        while True:
            try:
                data = self.s.recv(1 << 20)
            except BlockingIOError:
                return out
            at = 0
            while at + 16 <= len(data):
                size = struct.unpack("I", data[at:at + 4])[0]
                prefix = payload = None
                out_device = 0
                a, end = at + 20, at + size
                while a + 4 <= end:
                    length, kind = struct.unpack("HH", data[a:a + 4])
                    if length < 4:
                        break
                    if kind & 0x7FFF == 9:
                        payload = data[a + 4:a + length]
                    elif kind & 0x7FFF == 10:
                        prefix = data[a + 4:a + 5]
                    elif kind & 0x7FFF == 5:
                        out_device = struct.unpack("!I", data[a + 4:a + 8])[0]
                    a += (length + 3) & ~3
                if payload:
                    out.append((prefix, payload, out_device))
                at += (size + 3) & ~3


class Connections:
    """Takes connections out of conntrack: the ports of one that went over lo would be in the way of the next, which would get others."""

    def __init__(self):
        self.s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.s.bind((0, 0))
        self.s.setblocking(False)

    def forget(self, number, src, dst, sport, dport):
        """By a packet of it as it arrives: its answer's addresses are these, the other way round."""
        def attribute(kind, value):
            return struct.pack("HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)
        v6 = len(src) == 16
        addresses = attribute(3 if v6 else 1, dst) + attribute(4 if v6 else 2, src)
        ports = attribute(1, bytes([number])) + attribute(2, struct.pack("!H", dport)) + attribute(3, struct.pack("!H", sport))
        reply = attribute(0x8002, attribute(0x8001, addresses) + attribute(0x8002, ports))
        body = struct.pack("!BBH", socket.AF_INET6 if v6 else socket.AF_INET, 0, 0) + reply
        self.s.send(struct.pack("IHHII", 16 + len(body), (1 << 8) | 2, 1, 0, 0) + body)  # IPCTNL_MSG_CT_DELETE
        try:
            while True:
                self.s.recv(65536)  # that there was none
        except BlockingIOError:
            pass


def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def sysctl(name, value):
    try:
        with open("/proc/sys/" + name, "w") as f:
            f.write(value)
    except FileNotFoundError:
        pass


class Failed(Exception):
    pass


def sh(run, text=None):
    p = subprocess.run(run, input=text, text=True, capture_output=True)
    if p.returncode:
        raise Failed(" ".join(run) + ": " + (p.stderr.strip() or p.stdout.strip()))
    return p.stdout


def setup(network):
    fds, lines = {}, ["link set lo up"]
    for name in network["interfaces"]:
        fds[name] = tun(name)
        lines.append(f"link set {name} up")
    for prefix, name in network["addresses"]:
        lines.append(f"addr add {prefix} dev {name}" + (" nodad" if ":" in prefix else ""))
    for k in ("ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv4/conf/all/route_localnet"):
        sysctl("net/" + k, "1")
    for name in ("all", "default", *fds):
        sysctl(f"net/ipv4/conf/{name}/rp_filter", "0")
        sysctl(f"net/ipv4/conf/{name}/accept_local", "1")
    sysctl("net/ipv4/icmp_ratelimit", "0")
    sysctl("net/ipv4/icmp_msgs_per_sec", "10000000")
    sysctl("net/ipv4/icmp_msgs_burst", "10000000")
    sysctl("net/ipv6/icmp/ratelimit", "0")
    for prefix, name in network["routes"]:
        lines.append(f"route replace {prefix} dev {name}")
    sh(["ip", "-batch", "-"], "\n".join(lines) + "\n")
    # The kernel makes an IPv6 address the node's own a little later (addrconf_dad_work, even with nodad).
    own = {prefix.split("/")[0] for prefix, _ in network["addresses"] if ":" in prefix}
    for _ in range(500):
        if own <= {line.split()[1] for line in sh(["ip", "-6", "route", "show", "table", "local"]).splitlines()}:
            return fds
        time.sleep(0.01)
    raise Failed("these addresses never became the node's own: " + " ".join(sorted(own)))


def work(job):
    ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET)
    sh(["nft", "-f", "-"], OWN)  # first, so that no report of an interface that comes up is counted by the rules
    fds = setup(job["network"])
    for load in job["load"]:
        sh(load["run"], load["input"])
    sysctl("net/netfilter/nf_conntrack_checksum", "0")
    log, connections = Log(), Connections()
    recent = "/proc/net/xt_recent"
    lists = [os.open(f"{recent}/{name}", os.O_WRONLY) for name in os.listdir(recent)] if os.path.isdir(recent) else []
    cases = job["cases"]
    seen = {}  # tag -> answer
    tag, sport, raw, sent = 0x10000, 20000, {}, {}

    def read():
        for prefix, data, _ in log.read():
            number, src, dst, sp, dp, t, l4 = read_packet(data)
            arrived = (number, src, dst, sp, dp)
            if prefix == b"P":
                answer = ("accept", *arrived)
            elif number in (1, 58):
                *arrived, t, _ = read_packet(l4[8:])
                answer = ("reject", f"{'icmp' if number == 1 else 'icmp6'} {l4[1]}")
            else:
                arrived = (number, dst, src, dp, sp)
                # A reset acknowledges a SYN; to a packet that acknowledges it only speaks from there (RFC 9293, 3.5.2).
                t = struct.unpack("!L", l4[8:12])[0] - 1 if l4[13] & 16 else acknowledged.get(t)
                answer = ("reject", "tcp-reset")
            if t in sent:
                seen[t] = answer
                if cases[sent[t][0]]["in"] == "local" and arrived[4] is not None:
                    connections.forget(*arrived)

    def send(way, dst, p):
        try:
            if way != "local":
                os.write(fds[way], p)
                return
            v6 = len(dst) == 16
            if v6 not in raw:
                raw[v6] = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
                if v6:
                    raw[v6].setsockopt(socket.IPPROTO_IPV6, 36, 1)  # IPV6_HDRINCL
            to = str(ipaddress.ip_address(dst))
            raw[v6].sendto(p, (to, 0, 0, 0) if v6 else (to, 0))
        except OSError:
            pass  # dropped or rejected in OUTPUT

    def acquaint(c, src, dst, port):
        """The first packet of a connection, and the answer of whoever it is sent to. -> the sequence number that is next."""
        nonlocal tag
        tag += 2
        first = FIRST + tag
        os.write(fds[c["in"]], packet(c["proto"], src.packed, dst.packed, port, c["dport"], first))
        for prefix, data, device in log.read():
            number, src2, dst2, sp, dp, t, _ = read_packet(data)
            if t == first and prefix == b"P":
                tag += 2
                answer = packet(c["proto"], dst2, src2, dp, sp, ANSWER + tag, flags=18, ack=first + 1)
                send(socket.if_indextoname(device) if device else "local", src2, answer)
                known = any(prefix == b"A" for prefix, _, _ in log.read())
                return first + 1, ANSWER + tag + 1 if known else 0
        return first + 1, 0

    acknowledged = {}  # what a packet of a known connection acknowledges -> its number
    known_port, strangers = 61000, [0] * len(cases)
    for at, c in enumerate(cases):
        src, dst = ipaddress.ip_address(c["src"]), ipaddress.ip_address(c["dst"])
        for i in range(c["n"]):
            tag += 2
            sport = sport + 1 if sport < 60000 else 20000
            port = c.get("sport", sport)
            if c.get("known"):
                port = known_port
                known_port += 1
                read()
                number, ack = acquaint(c, src, dst, port)
                acknowledged[ack] = number
                if not ack:
                    strangers[at] += 1  # its first packet did not leave, or its answer met a raw rule: there is no such connection
                    continue
                p = packet(c["proto"], src.packed, dst.packed, port, c["dport"], number, flags=16, ack=ack)
            else:
                number = tag
                p = packet(c["proto"], src.packed, dst.packed, port, c.get("dport", 0), tag)
            sent[number] = (at, src.packed, port)
            send(c["in"], dst.packed, p)
            if c["in"] == "local":
                read()
            for fd in lists:
                os.write(fd, b"/\n")  # nobody is remembered
            if tag & 127 == 0:
                read()
    # On a busy machine what goes over lo may come late: wait until two looks in a row show nothing new.
    quiet, before = 0, -1
    for wait in (0, 0.003, 0.02, 0.05, 0.1, 0.2, 0.4):
        time.sleep(wait)
        read()
        quiet, before = quiet + 1 if len(seen) == before and wait >= 0.02 else 0, len(seen)
        if len(seen) == len(sent) or quiet == 2:
            break
    out = [{"accept": {}, "reject": {}, "drop": c["n"] - lost} for c, lost in zip(cases, strangers)]
    for t, answer in seen.items():
        at, source, port = sent[t]
        o = out[at]
        o["drop"] -= 1
        if answer[0] == "reject":
            o["reject"][answer[1]] = o["reject"].get(answer[1], 0) + 1
            continue
        _, number, src, dst, sp, dp = answer
        to = str(ipaddress.ip_address(dst))
        if dp is not None:
            to = f"[{to}]:{dp}" if len(dst) == 16 else f"{to}:{dp}"
        one = o["accept"].setdefault(to, {"n": 0, "masquerade": 0, "sources": {}})
        one["n"] += 1
        if src != source or (sp is not None and sp != port):
            one["masquerade"] += 1
        name = str(ipaddress.ip_address(src))
        one["sources"][name] = one["sources"].get(name, 0) + 1
    return {"cases": out, "lists": [sh(run) for run in job.get("list", [])]}


def main():
    # iptables' legacy tools lock the machine's one file, though every job has tables of its own; whoever finds it locked gives up.
    lock = tempfile.NamedTemporaryFile(prefix="service-traffic-xtables-")
    os.environ["XTABLES_LOCKFILE"] = lock.name
    for line in sys.stdin:
        job = json.loads(line)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(read)
                try:
                    answer = work(job)
                except (Failed, OSError) as error:
                    answer = {"error": str(error)}
                with os.fdopen(write, "w") as f:
                    f.write(json.dumps(answer) + "\n")
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(write)
        with os.fdopen(read) as f:
            text = f.read()
        os.waitpid(child, 0)
        sys.stdout.write(text or json.dumps({"error": "the oracle's child died"}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
