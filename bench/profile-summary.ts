// Where the time of a profile went: each function's own, without what it called.
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** As V8 writes it: what `node --cpu-prof` saves. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  timeDeltas: number[]
}

export interface Share {
  what: string
  /** of the time in which the process was not idle */
  share: number
}

const IDLE = '(idle)'
const ROOT = fileURLToPath(new URL('..', import.meta.url))

export function summarize(profile: CpuProfile): {
  functions: Share[]
  files: Share[]
  packages: Share[]
  busy: number
} {
  const own = new Map<number, number>()
  profile.samples.forEach((id, at) => {
    own.set(id, (own.get(id) ?? 0) + (profile.timeDeltas[at] ?? 0))
  })
  const tallies = {
    functions: new Map<string, number>(),
    files: new Map<string, number>(),
    packages: new Map<string, number>(),
  }
  let [total, idle] = [0, 0]
  for (const { id, callFrame } of profile.nodes) {
    const time = own.get(id) ?? 0
    total += time
    if (callFrame.functionName === IDLE) {
      idle += time
      continue
    }
    // Neither the collector nor what V8 and Node do in C++ has a file.
    const native = callFrame.functionName.startsWith('(') ? callFrame.functionName : 'C++'
    const file = shortPath(callFrame.url) || native
    const name = callFrame.functionName || '(anonymous)'
    const where = callFrame.url === '' ? name : `${name} ${file}:${callFrame.lineNumber + 1}`
    add(tallies.functions, where, time)
    add(tallies.files, file, time)
    add(tallies.packages, packageOf(file), time)
  }
  const shares = (tally: Map<string, number>): Share[] =>
    [...tally]
      .map(([what, time]) => ({ what, share: time / (total - idle) }))
      .sort((a, b) => b.share - a.share)
  return {
    functions: shares(tallies.functions),
    files: shares(tallies.files),
    packages: shares(tallies.packages),
    busy: (total - idle) / total,
  }
}

function add(tally: Map<string, number>, what: string, time: number) {
  tally.set(what, (tally.get(what) ?? 0) + time)
}

function shortPath(url: string): string {
  const path = url.startsWith('file:') ? fileURLToPath(url) : url
  return path.startsWith(ROOT) ? path.slice(ROOT.length).split(sep).join('/') : path
}

function packageOf(file: string): string {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? []
  if (name !== undefined) return name
  if (file.startsWith('node:'))
    return `node: ${
      file
        .slice(5)
        .replace(/^internal\//, '')
        .split('/')[0]
    }`
  return file.split('/')[0] ?? file
}
