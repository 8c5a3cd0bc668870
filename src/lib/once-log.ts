// Lines that are said once in the life of the process, however often there is a reason to.
import { type Log, type LogFields, OF_SETUP } from './log.ts'

/** Of one kind, each another one. */
const MOST_LINES = 20

/** @param say a method of the logger */
export function createOnceLog(say: Log['warn'], fields: LogFields = OF_SETUP): (line: string) => void {
  const said = new Set<string>()
  return (line) => {
    if (said.has(line) || said.size >= MOST_LINES) return
    said.add(line)
    say(`express-bff-session: ${line}`, fields)
  }
}
