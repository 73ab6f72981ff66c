#!/bin/bash
# Makes the guest of the bed: Debian 13 with its kernel, BlueZ, Python, numpy and bleak.
#
#   build_image.sh FOLDER          (root; needs debootstrap, e2fsprogs, cpio, xz, zstd, pip; 2 GB)
set -euo pipefail

image=$(realpath -m "${1:?a folder for the image}")
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
missing=()
for tool in qemu-system-x86_64 debootstrap mke2fs cpio xz zstd; do
  command -v $tool >/dev/null || missing+=("$tool")
done
if ((${#missing[@]})); then
  echo "the bed lacks ${missing[*]}: apt-get install qemu-system-x86 debootstrap e2fsprogs cpio xz-utils zstd" >&2
  exit 1
fi
mkdir -p "$image"
cd "$image"
rm -rf root kernel boot bb

debootstrap --variant=minbase --include=dbus,bluez,python3,python3-numpy,kmod trixie root >debootstrap.log
packages=root/usr/lib/python3/dist-packages
"$python" -m pip install --quiet --disable-pip-version-check --target "$packages" --only-binary=:all: \
  --python-version 3.13 --implementation cp --platform manylinux_2_28_x86_64 "bleak>=3.1,<4"
chroot root python3 -m compileall -q /usr/lib/python3/dist-packages

chroot root bash -c 'cd /root && apt-get download $(apt-cache depends linux-image-amd64 |
  grep -o "linux-image-[0-9][^ ]*amd64")' >/dev/null 2>&1
dpkg-deb -x root/root/linux-image-*.deb kernel
rm root/root/*.deb
version=$(ls kernel/usr/lib/modules)
cp -a kernel/usr/lib/modules root/usr/lib/
modules=root/usr/lib/modules/$version/kernel
rm -rf "$modules"/{sound,drivers/{gpu,media,infiniband,scsi,staging,iio},drivers/net/wireless,fs/{xfs,btrfs,ocfs2}}
chroot root depmod -a "$version"

# Uncompressed, the kernel starts 10 s sooner where the processor is emulated.
"$python" - "kernel/boot/vmlinuz-$version" vmlinux <<'PYTHON'
import pathlib, subprocess, sys
packed, at = pathlib.Path(sys.argv[1]).read_bytes(), 0
while (at := packed.find(b"\x28\xb5\x2f\xfd", at + 1)) > 0:
    unpacked = subprocess.run(["zstd", "-dcq"], input=packed[at:], capture_output=True).stdout
    if unpacked[:4] == b"\x7fELF":
        pathlib.Path(sys.argv[2]).write_bytes(unpacked)
        break
PYTHON

# First file system: finds the disk and goes on there.
apt-get download busybox-static >/dev/null 2>&1
dpkg-deb -x busybox-static*.deb bb
mkdir -p boot/{bin,modules,proc,sys,dev,new}
cp bb/bin/busybox boot/bin/
ln -s busybox boot/bin/sh
loaded=
for wanted in virtio_blk crc32c_generic ext4; do
  for file in $(chroot root modprobe -S "$version" --show-depends $wanted | awk '$1=="insmod"{print $2}'); do
    name=$(basename "$file" .xz)
    [ -e "boot/modules/$name" ] && continue
    xz -dc "root$file" >"boot/modules/$name"
    loaded="$loaded $name"
  done
done
cat >boot/init <<INIT
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for module in $loaded; do /bin/busybox insmod /modules/\$module; done
/bin/busybox mount -t ext4 /dev/vda /new
/bin/busybox mount --move /dev /new/dev
exec /bin/busybox switch_root /new /sbin/bed_init
INIT
chmod +x boot/init
(cd boot && find . | cpio -o -H newc --quiet | gzip -1) >initrd.gz

install -m755 "$here/guest_init.sh" root/sbin/bed_init
rm -rf root/var/cache/apt/* root/var/lib/apt/lists/* disk.img
truncate -s 1900M disk.img
mke2fs -q -t ext4 -d root disk.img
rm -rf root kernel boot bb busybox-static*.deb
ls -lash vmlinux initrd.gz disk.img
