// Gives the requests and responses of Express hidden classes in common again, as far as the engine took them away.
import type { Request, Response } from 'express'

/**
 * Express sets the prototype of every request and response. Before V8 13 (Node.js 20 to 23), each of them then has hidden
 * classes of its own, and nothing that is learned at one of them serves the next: whoever reads or writes a property,
 * Express and Node.js too, searches for it anew (nodejs/node#37457). A newer engine would lose by what is done here, and when Node.js 22 has left
 * `engines`, this file goes.
 */
const IS_AFFECTED = Number.parseInt(process.versions.v8, 10) < 13

/** For each of the two by a plain property that Node.js gives it, and nobody else touches. */
export function shareHiddenClasses(req: Request, res: Response): void {
  shareHiddenClass(req, 'httpVersionMinor')
  shareHiddenClass(res, 'sendDate')
}

/**
 * Takes a property off and puts it back. V8 keeps such an object as a dictionary, and dictionaries of one kind have one
 * hidden class, whatever is in them. It remembers 64 of these classes: where two kinds fall on the same place, which is
 * seldom, nothing is lost, and nothing won.
 */
export function shareHiddenClass<Holder extends object>(holder: Holder, key: keyof Holder): void {
  // A double that is frozen, or has it from its prototype, stays as it is.
  if (!IS_AFFECTED || !Object.hasOwn(holder, key) || !Object.isExtensible(holder)) return
  const value = holder[key]
  if (Reflect.deleteProperty(holder, key)) holder[key] = value
}
