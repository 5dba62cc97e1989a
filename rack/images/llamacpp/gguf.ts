/** Writes GGUF version 3, as far as a small model needs it (spec: github.com/ggml-org/ggml/blob/master/docs/gguf.md). */

/** A metadata value with the type GGUF must be told; JavaScript's `number` would be ambiguous. */
export type GgufValue =
  | { type: "u32"; value: number }
  | { type: "f32"; value: number }
  | { type: "bool"; value: boolean }
  | { type: "string"; value: string }
  | { type: "strings"; value: readonly string[] }
  | { type: "f32s"; value: readonly number[] }
  | { type: "i32s"; value: readonly number[] };

/** `shape` is in GGUF's order: the fastest-running dimension first. */
export interface GgufTensor {
  name: string;
  shape: readonly number[];
  data: Float32Array;
}

const ALIGNMENT_BYTES = 32;
const TYPE_CODE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const i32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const u64 = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const f32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
};
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([u64(bytes.length), bytes]);
};
const array = (code: number, items: readonly Buffer[]): Buffer =>
  Buffer.concat([u32(TYPE_CODE.array), u32(code), u64(items.length), ...items]);

function encodeValue(entry: GgufValue): Buffer {
  switch (entry.type) {
    case "u32":
      return Buffer.concat([u32(TYPE_CODE.u32), u32(entry.value)]);
    case "f32":
      return Buffer.concat([u32(TYPE_CODE.f32), f32(entry.value)]);
    case "bool":
      return Buffer.concat([u32(TYPE_CODE.bool), Buffer.from([entry.value ? 1 : 0])]);
    case "string":
      return Buffer.concat([u32(TYPE_CODE.string), text(entry.value)]);
    case "strings":
      return array(TYPE_CODE.string, entry.value.map(text));
    case "f32s":
      return array(TYPE_CODE.f32, entry.value.map(f32));
    case "i32s":
      return array(TYPE_CODE.i32, entry.value.map(i32));
  }
}

const padding = (lengthBytes: number): Buffer =>
  Buffer.alloc((ALIGNMENT_BYTES - (lengthBytes % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES);

const littleEndian = (data: Float32Array): Buffer => {
  const bytes = Buffer.alloc(data.length * 4);
  for (const [index, value] of data.entries()) bytes.writeFloatLE(value, index * 4);
  return bytes;
};

/** The whole file as bytes: header, metadata, tensor table, aligned f32 tensor data. */
export function encodeGguf(metadata: Record<string, GgufValue>, tensors: readonly GgufTensor[]): Buffer {
  const entries = Object.entries(metadata);
  const head: Buffer[] = [Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(entries.length)];
  for (const [key, entry] of entries) head.push(text(key), encodeValue(entry));

  const body: Buffer[] = [];
  let offset = 0;
  for (const { name, shape, data } of tensors) {
    const wanted = shape.reduce((product, size) => product * size, 1);
    if (wanted !== data.length)
      throw new Error(`tensor ${name}: ${data.length} values, shape wants ${wanted}`);
    head.push(text(name), u32(shape.length), ...shape.map(u64), u32(0 /* GGML_TYPE_F32 */), u64(offset));
    const bytes = littleEndian(data);
    const chunk = Buffer.concat([bytes, padding(bytes.length)]);
    body.push(chunk);
    offset += chunk.length;
  }
  const header = Buffer.concat(head);
  return Buffer.concat([header, padding(header.length), ...body]);
}
