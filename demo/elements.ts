/** The one element for the selector under `root`. The HTML and the code belong together, so a missing one is a mistake. */
export function find<E extends HTMLElement = HTMLElement>(selector: string, root: ParentNode = document): E {
  const element = root.querySelector<E>(selector)
  if (!element) throw new Error(`index.html has no ${selector}.`)
  return element
}
