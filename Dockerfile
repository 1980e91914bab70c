# CPU:  docker build -t stillroom .
# CUDA: docker build -t stillroom --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .
# Run:  docker run -p 127.0.0.1:7860:7860 -v stillroom:/data stillroom
FROM python:3.12-slim-bookworm

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 user \
    && mkdir /data && chown user /data

USER user
WORKDIR /home/user/app
ENV PATH=/home/user/.local/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STILLROOM_HOME=/data \
    HOST=0.0.0.0 \
    PORT=7860

COPY --chown=user requirements.txt .
# torch first and from its own index: any other way may fetch the CUDA packages for a CPU image, or the other way round.
RUN pip install --no-cache-dir --user --index-url "$TORCH_INDEX" "torch==2.13.0" \
    && pip install --no-cache-dir --user -r requirements.txt

COPY --chown=user . .

# Bound to all interfaces inside the container, the app asks for a login (STILLROOM_AUTH=user:password) or for
# ALLOW_PUBLIC=1, which says: whoever reaches this port may use it. On a Hugging Face Space it asks for neither: there
# everybody looks, and its owner signs in (docs/deploy.md).
EXPOSE 7860
ENTRYPOINT ["tini", "--"]
CMD ["python", "app.py"]
