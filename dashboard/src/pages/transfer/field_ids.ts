// Which stored field the server takes a sent one for: as `fields::add` and `keep` of its import do.

import type { CollectionField } from "pocketbase";

/** CRC-32 as in zip files, of which the server makes the id of a new field. */
function checksum(text: string): number {
  let rest = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  }
  return (rest ^ 0xffffffff) >>> 0;
}

function freeId(list: CollectionField[], { type, name }: CollectionField): string {
  const base = `${type}${checksum(name)}`;
  const taken = (id: string) => list.some((other) => other.id === id);
  let id = base;
  for (let number = 2; taken(id); number += 1) id = `${base}${number}`;
  return id;
}

/** The sent fields, each with the id that the server reads or makes. Of two with one id, the later counts. */
export function withIds(sent: CollectionField[]): CollectionField[] {
  const list: CollectionField[] = [];
  for (const field of sent) {
    const at = list.findIndex((other) => (field.id ? other.id === field.id : field.name !== "" && other.name === field.name));
    if (at >= 0) list[at] = { ...field, id: list[at]!.id };
    else list.push({ ...field, id: field.id || freeId(list, field) });
  }
  return list;
}

/** The stored field that a sent one becomes. Where others are deleted, its id alone says so, but for the system's. */
export function storedFor(field: CollectionField, now: CollectionField[], deleteMissing: boolean): CollectionField | undefined {
  const alike = (one: CollectionField) => (one.system || !deleteMissing) && one.name === field.name && one.type === field.type;
  return now.find((one) => one.id === field.id) ?? now.find(alike);
}
