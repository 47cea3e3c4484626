import { expect, stored, test } from './support/reading-app.ts'

const svg = (width: number) => `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="5"/>`

test('an image stands in for one that neither the network nor a cache has', async ({ app, page, network }) => {
  app.on('/photos/', ({ response }) => response.setHeader('Content-Type', 'image/svg+xml').end(svg(7)))
  await app.open(
    page,
    { imageFallback: 'away.svg', caching: [{ match: '/photos/kept/**', strategy: 'cache-first' }] },
    { 'public/away.svg': svg(9) },
  )
  const widthOf = (address: string) =>
    page.evaluate(async src => {
      const image = new Image()
      image.src = src
      await image.decode()
      return image.naturalWidth
    }, address)
  expect(await widthOf('/photos/sea.svg')).toBe(7)
  expect(await widthOf('/photos/kept/sea.svg')).toBe(7)
  await expect.poll(() => stored(page, '/photos/kept/sea.svg')).toBe(svg(7))

  await network.offline()
  expect(await widthOf('/photos/other.svg')).toBe(9)
  expect(await widthOf('/photos/kept/other.svg')).toBe(9)
  expect(await widthOf('/photos/kept/sea.svg?')).toBe(9)
  expect(await widthOf('/photos/kept/sea.svg')).toBe(7)
  // What is no image fails as it would without a worker.
  expect(await page.evaluate(() => fetch('/photos/other.svg').catch((error: Error) => error.name))).toBe('TypeError')
})
