#!/bin/sh
# First process of the guest.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -o remount,rw /
mkdir -p /run/dbus /var/lib/bluetooth /project /results
for module in 9p 9pnet_virtio bluetooth hci_vhci algif_hash algif_skcipher ecdh_generic cmac virtio_console; do
  modprobe $module 2>/dev/null
done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=131072,ro project /project
mount -t 9p -o trans=virtio,version=9p2000.L,msize=131072 results /results
for port in /sys/class/virtio-ports/*; do
  ln -sf /dev/$(basename $port) /run/port.$(cat $port/name)
done
dbus-uuidgen --ensure
dbus-daemon --system --fork
python3 -S /project/tests/bluez_vm/vhci_bridge.py /run/port.hci &
sleep 0.5
cd /project
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/project timeout 600 python3 tests/bluez_vm/guest.py
echo "guest.py ended with $?"
sync
echo o >/proc/sysrq-trigger
sleep 5
