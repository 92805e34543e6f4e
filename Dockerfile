# Proxy and dashboard; docker-compose.yml says which of the two a container runs.
FROM node:20.20.2-bookworm-slim

WORKDIR /weir
RUN chown node:node /weir && mkdir -m 0700 /data && chown node:node /data
USER node

# What the workspaces need changes less often than their sources.
COPY --chown=node:node package.json package-lock.json ./
COPY --chown=node:node schema/package.json schema/
COPY --chown=node:node proxy/package.json proxy/
COPY --chown=node:node dashboard/package.json dashboard/
COPY --chown=node:node test/package.json test/
RUN npm ci --no-audit --no-fund

COPY --chown=node:node . .
RUN node build.mjs

ENV NODE_ENV=production WEIR_DATA_DIR=/data
VOLUME /data
EXPOSE 8787 8788
CMD ["node", "--max-semi-space-size=64", "--single-threaded-gc", "proxy/dist/main.js"]
