import { z } from "zod";

/** A TCP port. */
export const portNumber = z.int().min(1).max(65_535);

/** `sha256:` and 64 hex digits: what an image is pinned by. */
export const imageDigest = /@sha256:[0-9a-f]{64}$/;

/** `[REGISTRY/]NAME[:TAG]@sha256:…`. The tag is for people; the digest is what runs. */
export const imageReference = z
  .string()
  .max(512)
  .regex(
    /^[a-z0-9]+(?:[._:/-]+[A-Za-z0-9]+)*@sha256:[0-9a-f]{64}$/,
    "must end in @sha256:<64 hex digits>, since a tag may point at something else tomorrow. `skopeo inspect --format '{{.Digest}}' docker://IMAGE:TAG`, `docker buildx imagetools inspect IMAGE:TAG` or `crane digest IMAGE:TAG` prints the digest",
  );

/** An address to listen on. */
export const listenAddress = z.union([z.ipv4(), z.ipv6()], {
  error: "must be an IPv4 or IPv6 address of the host",
});

/** `30d`, `12h`, `90m`: a duration as Prometheus writes it. */
export const promDuration = z
  .string()
  .regex(/^[1-9][0-9]{0,4}(s|m|h|d|w)$/, "must be a number and one of s, m, h, d, w, such as 30d");

/** An http or https URL without user or password in it. */
export const httpUrl = z
  .string()
  .max(2048)
  .regex(
    /^https?:\/\/[A-Za-z0-9.:[\]_-]+(\/[A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?$/,
    "must be an http or https URL",
  );
