/* The service worker of a controller's device: pages come from the network, or without it from what was taken along
   (carry.js). It keeps nothing by itself. */
"use strict";
const CARRIED = "binome-emporte-";
const SUMMARY = "/hors-connexion/resume"; // where a store says until when it may be kept
const STAND_IN = "/hors-connexion";
const PATIENCE = 8000; // a network slower than this (milliseconds) is no help to whoever has the page at hand

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const stores = async () => (await caches.keys()).filter((name) => name.startsWith(CARRIED));
/* A lost phone keeps contacts and findings no longer than needed. */
const tidy = async () => {
  for (const name of await stores()) {
    const summary = await caches.match(SUMMARY, { cacheName: name });
    if (summary && !((await summary.json()).until >= Date.now())) await caches.delete(name);
  }
};

const carried = async (request) => {
  if (request.mode === "navigate") await tidy();
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
  const answered = await fetch(request).catch(() => Response.redirect(STAND_IN, 303));
  if (answered.type === "opaqueredirect") await Promise.all((await stores()).map((name) => caches.delete(name)));
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
