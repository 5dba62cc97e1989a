import { resetNode, stopNode } from "../../../rack/index.ts";
import { type TestNode, testNode } from "../../../rack/testing.ts";
import { NODE } from "./provisioned.ts";

/** A machine of the tests' own beside the provisioned one; the two never run at once. */
export const BARE = NODE.includes(".") ? `${NODE}-bare` : `${NODE}.bare`;
const quiet = () => undefined;

/** A bare server, booted. One that is still bare is taken as it is, so that files of tests share a boot. */
export async function bareNode(): Promise<TestNode> {
  await stopNode(NODE, quiet);
  const node = await testNode(BARE);
  const signs = await node.shell(
    "sudo ls -d /var/lib/racksmith /etc/racksmith /sbin/mdadm 2>/dev/null || true",
  );
  if (signs.trim() === "") return node;
  await resetNode(BARE, quiet);
  return testNode(BARE);
}

/** What must be as before when something was refused: disks, what they carry, packages, accounts, mounts. */
export function everythingOn(node: TestNode): Promise<string> {
  return node.shell(
    "sudo sh -c 'lsblk -o NAME,SIZE,TYPE,FSTYPE,UUID,MOUNTPOINT; blkid -p /dev/nvme?n1 /dev/vd?; dpkg-query -W; " +
      "sha256sum /etc/passwd /etc/group /etc/fstab; ls -A /etc /etc/apt /var/lib /srv; cat /proc/mounts | grep -v /run/user'" +
      " 2>&1; true",
  );
}
