// Lines that are said once in the life of the process, however often there is a reason to.

/** @param warn an app's logger may throw, and there is no request whose error it could be */
export function createOnceLog(warn: (line: string) => void): (line: string) => void {
  const said = new Set<string>()
  return (line) => {
    if (said.has(line)) return
    said.add(line)
    try {
      warn(`express-bff-session: ${line}`)
    } catch {}
  }
}
