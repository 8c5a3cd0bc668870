// The house as DESIGN draws it: which floor a file stands on, and who may speak to which outside world.
import { posix } from 'node:path'
import ts from 'typescript'

/** A room is what may import from itself; every other import goes to a lower floor. */
export interface Room {
  floor: number
  /** Paths below `src`; `*` stands for anything but a slash. */
  files: string[]
}

/** A package that only the files of some rooms may import. */
export interface OutsideWorld {
  packages: string[]
  files: string[]
  /** Files that may use its types, with `import type`. */
  typesOnly?: string[]
}

export interface House {
  /** The first that names a file has it. */
  rooms: Room[]
  outsideWorlds: OutsideWorld[]
  maxLines: number
}

interface Import {
  from: string
  typeOnly: boolean
}

/** What is wrong with these sources (path below `src` → text), one sentence each; empty when the house stands. */
export function violations(sources: Record<string, string>, house: House): string[] {
  const files = Object.keys(sources)
  const imports = new Map(files.map((file) => [file, importsOf(file, sources[file] ?? '')]))
  const neighbours = neighboursIn(sources)
  return [
    ...files.flatMap((file) => placeViolations(file, sources[file] ?? '', house)),
    ...files.flatMap((file) =>
      (neighbours.get(file) ?? []).flatMap((target) => floorViolations(file, target, house)),
    ),
    ...files.flatMap((file) =>
      (imports.get(file) ?? []).flatMap((found) => ownerViolations(file, found, house)),
    ),
    ...circles(sources),
  ]
}

function placeViolations(file: string, text: string, { rooms, maxLines }: House): string[] {
  const lines = text.replace(/\n$/, '').split('\n').length
  return [
    ...(roomOf(file, rooms)
      ? []
      : [`${file} stands in no room: give it a row in the table of floors.test.ts`]),
    ...(/(^|\/)(types|utils)\.ts$/.test(file) ? [`${file}: types and helpers live with their owner`] : []),
    ...(lines > maxLines
      ? [`${file} has ${lines} lines, more than ${maxLines}: look for its second job`]
      : []),
  ]
}

function floorViolations(file: string, target: string, { rooms }: House): string[] {
  const own = roomOf(file, rooms)
  const other = roomOf(target, rooms)
  if (!own || own === other) return []
  if (!other) return [`${file} imports ${target}, which is no file of the house`]
  return other.floor < own.floor
    ? []
    : [`${file} (floor ${own.floor}) imports ${target} (floor ${other.floor}): imports go down only`]
}

function ownerViolations(file: string, { from, typeOnly }: Import, { outsideWorlds }: House): string[] {
  return outsideWorlds
    .filter(({ packages }) => packages.some((name) => from === name || from.startsWith(`${name}/`)))
    .filter(({ files, typesOnly = [] }) => !isIn(files, file) && !(typeOnly && isIn(typesOnly, file)))
    .map(({ files }) => `${file} imports ${from}, which only ${files.join(', ')} may`)
}

function neighboursIn(sources: Record<string, string>): Map<string, string[]> {
  return new Map(
    Object.entries(sources).map(([file, text]) => [
      file,
      importsOf(file, text).flatMap(({ from }) => localPath(file, from) ?? []),
    ]),
  )
}

/** Type-only imports count too: a cycle of types is a cycle of files that have to be understood together. */
export function circles(sources: Record<string, string>): string[] {
  const neighbours = neighboursIn(sources)
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) found.push(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`)
    if (path.includes(file) || done.has(file)) return
    for (const next of neighbours.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of neighbours.keys()) visit(file, [])
  return found
}

function importsOf(file: string, text: string): Import[] {
  const found: Import[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      // Under verbatimModuleSyntax `import { type A }` still loads the module: only `import type` does not.
      const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      add(node.moduleSpecifier, typeOnly)
    } else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) && node.argument.literal, true)
    else if (ts.isExternalModuleReference(node)) add(node.expression, false)
    else if (ts.isCallExpression(node) && isLoading(node.expression)) add(node.arguments[0], false)
    else if (ts.isModuleDeclaration(node)) add(node.name, true)
    ts.forEachChild(node, visit)
  }
  const add = (specifier: ts.Node | undefined | false, typeOnly: boolean) => {
    if (specifier && ts.isStringLiteralLike(specifier)) found.push({ from: specifier.text, typeOnly })
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest))
  return found
}

const isLoading = (called: ts.Expression) =>
  called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === 'require')

const localPath = (file: string, from: string) =>
  from.startsWith('.') ? posix.join(posix.dirname(file), from) : undefined

const roomOf = (file: string, rooms: Room[]) => rooms.find(({ files }) => isIn(files, file))

const isIn = (patterns: string[], file: string) =>
  patterns.some((pattern) =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`).test(file),
  )
