# The image holds one static program, the certificates of public authorities, the
# licence texts of all that is in it, and the name of the user that it runs as; no
# shell.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY LICENSE ./
COPY cmd cmd
COPY internal internal
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X ecsbot/internal/bot.version=$VERSION" -o /image/bot ./cmd/bot
RUN install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt && \
    install -D -m 644 /usr/share/doc/ca-certificates/copyright /image/licenses/ca-certificates/copyright && \
    sh cmd/bot/licenses.sh /image/licenses && \
    echo "nonroot:x:65532:65532::/:/sbin/nologin" > /image/etc/passwd

FROM scratch
ARG VERSION=unknown
LABEL org.opencontainers.image.title="ecsbot" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION"
COPY --from=build /image /
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["/bot"]
