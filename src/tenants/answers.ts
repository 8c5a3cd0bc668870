// What `tenant.resolve()` answered, kept to be compared with what it answers the next time.
import { isPlainObject } from '../options/verdict.ts'

/** Deeper goes no option. */
const DEEPEST = 8

/** A copy that stays as it is, whatever the app does with its own: of objects and lists, and not of what else they hold. */
export function keptAnswer(answer: unknown, depth = DEEPEST): unknown {
  if (depth === 0) return answer
  if (Array.isArray(answer)) return answer.map((one) => keptAnswer(one, depth - 1))
  if (ArrayBuffer.isView(answer)) return Buffer.from(bytesOf(answer))
  if (!isPlainObject(answer)) return answer
  return Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [name, keptAnswer(value, depth - 1)]),
  )
}

/** By what they say; functions, and whatever else is no plain data, by being the same. */
export function isSameAnswer(one: unknown, other: unknown, depth = DEEPEST): boolean {
  if (Object.is(one, other)) return true
  if (depth === 0) return false
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((each, at) => isSameAnswer(each, other[at], depth - 1))
  if (ArrayBuffer.isView(one) && ArrayBuffer.isView(other)) return bytesOf(one).equals(bytesOf(other))
  if (!isPlainObject(one) || !isPlainObject(other)) return false
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...names].every((name) => isSameAnswer(one[name], other[name], depth - 1))
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
