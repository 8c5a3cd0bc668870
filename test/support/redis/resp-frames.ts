// Redis's protocol, RESP2 and RESP3, cut into whole messages.

/** Takes chunks as they come and gives every message, as the bytes it was, as soon as it is whole. */
export function createFrames(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    for (let end = frameEnd(rest, 0); end > 0; end = frameEnd(rest, 0)) {
      take(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
  }
}

/** The strings of a request: an array of them, or a line. */
export function argsOf(request: Buffer): string[] {
  const args: string[] = []
  if (String.fromCharCode(request[0] ?? 0) !== '*') return `${request}`.trim().split(' ')
  let at = request.indexOf('\r\n') + 2
  while (at < request.length) {
    const start = request.indexOf('\r\n', at) + 2
    const end = start + Number(request.toString('latin1', at + 1, start - 2))
    args.push(request.toString('utf8', start, end))
    at = end + 2
  }
  return args
}

/** Not the answer to a request: RESP3's push, and what comes after SUBSCRIBE. */
export const isPush = (frame: Buffer) => frame[0] === '>'.charCodeAt(0)

const STRINGS = new Set(['$', '!', '='])
const LISTS = new Set(['*', '~', '>'])
const MAPS = new Set(['%', '|'])
const INCOMPLETE = 0

function frameEnd(data: Buffer, start: number): number {
  const line = data.indexOf('\r\n', start)
  if (line < 0) return INCOMPLETE
  const type = String.fromCharCode(data[start] ?? 0)
  const count = Number(data.toString('latin1', start + 1, line))
  let end = line + 2
  if (STRINGS.has(type)) {
    if (count >= 0) end += count + 2
    return end <= data.length ? end : INCOMPLETE
  }
  // An attribute stands before the value it is about.
  const members = LISTS.has(type) ? count : MAPS.has(type) ? 2 * count + (type === '|' ? 1 : 0) : 0
  for (let left = members; left > 0; left -= 1) {
    end = frameEnd(data, end)
    if (end === INCOMPLETE) return INCOMPLETE
  }
  return end
}
