# An application and promlet in a scratch image, promlet as PID 1: it starts the application, reaps
# what that leaves behind, restarts it when it fails, and exports both. The context has the
# application's static binary, `app`, and the configuration; the image promlet is that of
# deploy/Dockerfile. With a second promlet for an application:
#
#     mkdir context && cp deploy/promlet.conf context
#     cp target/x86_64-unknown-linux-gnu/release/promlet context/app
#     podman build -f deploy/application.Dockerfile -t app context
#     podman run --read-only --cap-drop all -p 6061:6061 app
FROM promlet
COPY app /app
COPY promlet.conf /promlet.conf
CMD ["--config.file=/promlet.conf"]
