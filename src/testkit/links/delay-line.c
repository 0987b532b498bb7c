/*
 * A wire with a delay: copies every frame between two interfaces, unchanged and in order, so many microseconds later. TCP
 * stays one connection from end to end, as over a long cable. For kernels without netem. Usage: delay-line IF1 IF2 DELAY_US
 * Writes one line when it is ready. Frames that find the wire's memory full are lost, and that is said at the end (SIGTERM).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* One Ethernet frame with the 10 bytes in which the kernel says what of its checksum is still to be done. */
#define SLOT_BYTES 2048
#define SLOTS 16384
#define BATCH 64

struct slot {
  uint64_t due_ns;
  uint32_t length;
  unsigned char bytes[SLOT_BYTES - 12];
};

struct direction {
  int from, to;
  struct slot *slots;
  uint64_t head, tail, lost;
};

static volatile sig_atomic_t stopped;

static void stop(int signal) {
  (void)signal;
  stopped = 1;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void set(int fd, int level, int option, int value, const char *what) {
  if (setsockopt(fd, level, option, &value, sizeof value) != 0) die(what);
}

static int open_interface(const char *name) {
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
  if (fd < 0) die("socket");
  set(fd, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
  set(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING");
  set(fd, SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20, "SO_RCVBUFFORCE");
  set(fd, SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20, "SO_SNDBUFFORCE");
  struct packet_mreq all = {.mr_ifindex = (int)if_nametoindex(name), .mr_type = PACKET_MR_PROMISC};
  if (all.mr_ifindex == 0) die(name);
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) != 0) die("PACKET_ADD_MEMBERSHIP");
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = all.mr_ifindex};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  return fd;
}

static struct direction make_direction(int from, int to) {
  size_t bytes = sizeof(struct slot) * SLOTS;
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("mmap");
  return (struct direction){.from = from, .to = to, .slots = memory};
}

/* Takes what has come; false when there is nothing more. */
static int take(struct direction *way, uint64_t delay_ns) {
  struct mmsghdr messages[BATCH] = {0};
  struct iovec parts[BATCH];
  uint64_t room = SLOTS - (way->tail - way->head);
  unsigned count = room < BATCH ? (unsigned)room : BATCH;
  if (count == 0) {
    unsigned char spilt[SLOT_BYTES];
    if (recv(way->from, spilt, sizeof spilt, 0) <= 0) return 0;
    way->lost += 1;
    return 1;
  }
  for (unsigned at = 0; at < count; at += 1) {
    struct slot *slot = &way->slots[(way->tail + at) % SLOTS];
    parts[at] = (struct iovec){slot->bytes, sizeof slot->bytes};
    messages[at].msg_hdr.msg_iov = &parts[at];
    messages[at].msg_hdr.msg_iovlen = 1;
  }
  int got = recvmmsg(way->from, messages, count, MSG_DONTWAIT, NULL);
  if (got <= 0) return 0;
  uint64_t due = now_ns() + delay_ns;
  for (int at = 0; at < got; at += 1) {
    struct slot *slot = &way->slots[(way->tail + (uint64_t)at) % SLOTS];
    slot->due_ns = due;
    slot->length = messages[at].msg_len;
  }
  way->tail += (uint64_t)got;
  return (unsigned)got == count;
}

/* Passes on what is due. A frame that the other interface does not take has found a full queue there, as in a modem. */
static void pass(struct direction *way, uint64_t now) {
  while (way->head < way->tail && way->slots[way->head % SLOTS].due_ns <= now) {
    struct mmsghdr messages[BATCH] = {0};
    struct iovec parts[BATCH];
    unsigned count = 0;
    while (count < BATCH && way->head + count < way->tail) {
      struct slot *slot = &way->slots[(way->head + count) % SLOTS];
      if (slot->due_ns > now) break;
      parts[count] = (struct iovec){slot->bytes, slot->length};
      messages[count].msg_hdr.msg_iov = &parts[count];
      messages[count].msg_hdr.msg_iovlen = 1;
      count += 1;
    }
    int sent = sendmmsg(way->to, messages, count, 0);
    if (sent <= 0) sent = 1;
    way->head += (uint64_t)sent;
  }
}

static uint64_t next_due(const struct direction *way, uint64_t other) {
  if (way->head == way->tail) return other;
  uint64_t due = way->slots[way->head % SLOTS].due_ns;
  return due < other ? due : other;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: delay-line IF1 IF2 DELAY_US\n");
    return 2;
  }
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  int one = open_interface(argv[1]);
  int other = open_interface(argv[2]);
  uint64_t delay_ns = strtoull(argv[3], NULL, 10) * 1000u;
  struct direction ways[2] = {make_direction(one, other), make_direction(other, one)};
  printf("ready\n");
  fflush(stdout);
  while (!stopped) {
    uint64_t due = next_due(&ways[0], next_due(&ways[1], UINT64_MAX));
    uint64_t now = now_ns();
    uint64_t wait_ns = due == UINT64_MAX ? 1000000000u : due > now ? due - now : 0;
    struct timespec wait = {(time_t)(wait_ns / 1000000000u), (long)(wait_ns % 1000000000u)};
    struct pollfd sockets[2] = {{.fd = one, .events = POLLIN}, {.fd = other, .events = POLLIN}};
    if (ppoll(sockets, 2, &wait, NULL) < 0 && errno != EINTR) die("ppoll");
    for (int way = 0; way < 2; way += 1) {
      while (take(&ways[way], delay_ns)) {
      }
      pass(&ways[way], now_ns());
    }
  }
  if (ways[0].lost + ways[1].lost > 0)
    fprintf(stderr, "delay-line %s: its memory was full for %llu and %llu frames\n", argv[1],
            (unsigned long long)ways[0].lost, (unsigned long long)ways[1].lost);
  return 0;
}
