import { expect, it } from 'vitest'
import { deliveryAddress, isDelivery } from './own-request.ts'

it('tells what a page delivers from what the app asks for', () => {
  const address = deliveryAddress('https://app.example/api/notes?x=1#part')
  expect(isDelivery({ url: address })).toBe(true)
  expect(isDelivery({ url: 'https://app.example/api/notes?x=1#part' })).toBe(false)
})

it('changes nothing of what leaves the device', () => {
  const url = new URL(deliveryAddress('https://app.example/api/notes?x=1#part'))
  expect(url.href.replace(url.hash, '')).toBe('https://app.example/api/notes?x=1')
})
