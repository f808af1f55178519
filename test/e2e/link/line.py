#!/usr/bin/python3
"""A line between this network namespace (device near0) and a new one (gateway0) that this process makes and then is in: each
packet goes on after DELAY seconds, and one in each 1 / LOSS is lost. Where each is lost by its own chance, a run in a hundred
loses a packet three times, which takes TCP 21 s: a client is right to begin anew. The kernels of many containers have no netem.
usage: line.py DELAY LOSS. It ends with its stdin, and the new namespace with it."""
import fcntl, heapq, os, random, select, struct, subprocess, sys, time

DELAY, LOSS = float(sys.argv[1]), float(sys.argv[2])
BLOCK = round(1 / LOSS) if LOSS else 0
CLONE_NEWNET, TUNSETIFF, TUN, NO_PI = 0x40000000, 0x400454CA, 0x1, 0x1000


def device(name, *addresses):
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH', name.encode(), TUN | NO_PI))
    for address in addresses:
        subprocess.run(['ip', 'address', 'add', address, 'dev', name, *(['nodad'] if ':' in address else [])], check=True)
    subprocess.run(['ip', 'link', 'set', name, 'up', 'mtu', '1400'], check=True)
    return fd


near = device('near0', '11.9.0.2/24', 'fd09::2/64')
os.unshare(CLONE_NEWNET)
subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
far = device('gateway0')
print('made', flush=True)

other, waiting, count, lost = {near: far, far: near}, [], 0, -1
while True:
    pause = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    ready, _, _ = select.select([near, far, 0], [], [], pause)
    if 0 in ready and not os.read(0, 64):
        break
    for fd in ready:
        if fd == 0:
            continue
        packet = os.read(fd, 65536)
        if BLOCK and count % BLOCK == 0:
            lost = count + random.randrange(BLOCK)
        count += 1
        if count - 1 != lost:
            heapq.heappush(waiting, (time.monotonic() + DELAY, count, other[fd], packet))
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, fd, packet = heapq.heappop(waiting)
        try:
            os.write(fd, packet)
        except OSError:
            pass  # The device is not up.
