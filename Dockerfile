# The HTTP server as an image. Build it with "docker build -t faiss-memory .", or start it with docker-compose.yml.
FROM node:22-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm install --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/build.mjs --no-types && mkdir /package && npm pack --ignore-scripts --pack-destination /package

FROM node:22-slim
LABEL org.opencontainers.image.title="faiss-memory" \
  org.opencontainers.image.description="Long-term memory for AI assistants: MCP and REST over HTTP, with search by meaning and by words" \
  org.opencontainers.image.source="https://github.com/faiss-memory/faiss-memory" \
  org.opencontainers.image.licenses="MIT"
COPY --from=build /package /package
# Optional packages, for example "pg@8" for a server on PostgreSQL.
ARG PACKAGES=""
RUN npm install --global --ignore-scripts --omit=dev --no-audit --no-fund /package/*.tgz ${PACKAGES} \
  && rm -r /package /root/.npm \
  && mkdir /data && chown node:node /data
USER node
# MALLOC_TRIM_THRESHOLD_: memory that was freed goes back to the system (docs/decisions/0042-memory-of-the-model-and-bulk.md).
ENV NODE_ENV=production \
  MALLOC_TRIM_THRESHOLD_=131072 \
  MEMORY_DATA_DIR=/data \
  MEMORY_HTTP_HOST=0.0.0.0 \
  MEMORY_LOG_LEVEL=info \
  MEMORY_LOG_FORMAT=json
# The only place that is written to; the rest of the file system may be read-only.
VOLUME /data
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "const { env } = process; env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; fetch(`http${env.MEMORY_HTTP_TLS_CERTIFICATE ? 's' : ''}://127.0.0.1:${env.MEMORY_HTTP_PORT || 8765}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["faiss-memory"]
# Needs MEMORY_HTTP_TOKEN or MEMORY_HTTP_TOKEN_FILE, since it listens to the network.
CMD ["serve", "--http"]
