#!/usr/bin/env bash
# raid/notify: called by mdadm --monitor as `notify EVENT DEVICE [MEMBER]`; posts the event to the webhook.
set -euo pipefail
# shellcheck source=../lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
url=$(</etc/racksmith/raid-webhook)
json_begin
json_str source "racksmith raid"
json_str host "${HOSTNAME:-}"
json_str event "${1:-}"
json_str device "${2:-}"
json_str member "${3:-}"
json_end body
# The URL may hold a token, so it goes in by a file descriptor instead of the command line.
curl --fail --silent --show-error --max-time 15 --header 'content-type: application/json' --data-binary @- \
  --config <(printf 'url = "%s"\n' "$url") <<<"${body:?}"
