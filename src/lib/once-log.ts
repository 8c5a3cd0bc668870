// Lines that are said once in the life of the process, however often there is a reason to.

/** @param most so many of them, where a line may be another each time */
export function createOnceLog(
  warn: (line: string) => void,
  most = Number.POSITIVE_INFINITY,
): (line: string) => void {
  const said = new Set<string>()
  return (line) => {
    if (said.has(line) || said.size >= most) return
    said.add(line)
    warn(`express-bff-session: ${line}`)
  }
}
