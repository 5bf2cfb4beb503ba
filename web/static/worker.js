/* The service worker of a controller's device: pages come from the network, or without it from what was taken along
   (carry.js). It keeps nothing by itself. */
"use strict";
const CARRIED = "binome-emporte-";
const STAND_IN = "/hors-connexion";
const PATIENCE = 8000; // a network slower than this (milliseconds) is no help to whoever has the page at hand

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const carried = async (request) => {
  const found = await caches.match(request);
  if (found || request.mode !== "navigate") return found;
  const url = new URL(request.url);
  url.searchParams.delete("next");
  return caches.match(url.href);
};

const answer = async (request) => {
  const copy = await carried(request);
  const network = fetch(request);
  if (copy) {
    const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE, copy));
    return Promise.race([network, patience]).catch(() => copy);
  }
  if (request.mode !== "navigate") return network;
  return network.catch(async (error) => {
    const page = await caches.match(STAND_IN);
    if (page) return page;
    throw error;
  });
};

/* Whoever signs out leaves nothing behind. Without network nobody is signed out, and what was taken along stays. */
const leave = async (request) => {
  const answered = await fetch(request);
  const names = (await caches.keys()).filter((name) => name.startsWith(CARRIED));
  await Promise.all(names.map((name) => caches.delete(name)));
  return answered;
};

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (origin !== self.location.origin) return;
  const page = request.mode === "navigate";
  if (page && request.method === "POST" && pathname === "/deconnexion") event.respondWith(leave(request));
  else if (request.method === "GET" && (page || pathname.startsWith("/static/"))) event.respondWith(answer(request));
});
