// What a zip file of the server holds, by the format's own tables (APPNOTE 4.3).
const ENTRY = [0x50, 0x4b, 0x03, 0x04]; // what each file in it begins with
const LAST = 22; // bytes of the end record

// A stream that passes a zip on and tells `count` how many files have begun; by chance one too many
export function entries(count) {
  let [found, at] = [0, 0];
  return new TransformStream({
    transform(chunk, onward) {
      for (const byte of chunk) {
        at = byte === ENTRY[at] ? at + 1 : Number(byte === ENTRY[0]);
        if (at === ENTRY.length) { at = 0; found += 1; }
      }
      count(found);
      onward.enqueue(chunk);
    },
  });
}

// The text of a file that is stored as it is; "" if there is none of that name
export async function text(zip, name) {
  const end = new DataView(await zip.slice(-LAST).arrayBuffer());
  const listed = new DataView(await zip.slice(end.getUint32(16, true), zip.size - LAST).arrayBuffer());
  const words = new TextDecoder();
  for (let at = 0; at < listed.byteLength;) {
    const [named, extra, comment] = [28, 30, 32].map((place) => listed.getUint16(at + place, true));
    if (words.decode(new Uint8Array(listed.buffer, at + 46, named)) === name) {
      const start = listed.getUint32(at + 42, true);
      const head = new DataView(await zip.slice(start + 26, start + 30).arrayBuffer());
      const content = start + 30 + head.getUint16(0, true) + head.getUint16(2, true);
      return zip.slice(content, content + listed.getUint32(at + 24, true)).text();
    }
    at += 46 + named + extra + comment;
  }
  return "";
}
