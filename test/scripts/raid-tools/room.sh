# shellcheck shell=bash
# A node with disks SA, SB and SC and none of racksmith's files. Sourced in a room, see raid-machine.ts.
mount -t tmpfs none /sys/block
tools=$(dirname "${BASH_SOURCE[0]}")
PATH=$tools:$PATH
rm -rf /var/lib/racksmith/raid /etc/racksmith /etc/mdadm
mkdir -p /mnt/disks /etc/mdadm
for disk in a b c; do
  truncate -s 8M "/mnt/disks/sd$disk"
  echo "S${disk^}" >"/mnt/disks/sd$disk.serial"
done
UUID=0a1b2c3d:4e5f6071:8293a4b5:c6d7e8f9
conf=/etc/mdadm/mdadm.conf
state=/var/lib/racksmith/raid

# Both disks run as one array, and this is configured.
running() {
  mdadm --create --uuid=$UUID /mnt/disks/sda /mnt/disks/sdb
  printf 'ARRAY /dev/md/racksmith metadata=1.2 name=racksmith:racksmith UUID=%s\n' "$UUID" >"$conf"
  : >"$CALLS"
}

# SB went away and the array was written to since. SB's superblock says what it last knew: EVENTS STATE.
returned() {
  running
  rm -r /sys/block/md127/md/dev-sdb
  superblock /mnt/disks/sda "$UUID" 120 A. "Active device 0"
  superblock /mnt/disks/sdb "$UUID" "$1" "$2" "Active device 1"
}

# begun UUID: what is written down before a creation.
begun() {
  mkdir -p "$state"
  echo "$1" >"$state/racksmith.creating"
}

# After a boot that did not assemble it: the disks and what is in /etc and /var.
unassembled() { rm -r /sys/block/md127; }
