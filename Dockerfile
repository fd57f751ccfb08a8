# portrayal serve on the CPU: docker build -t portrayal . (docs/serving.md)
FROM python:3.13-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /opt/portrayal
ENV PATH=/opt/portrayal/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY constraints.txt ./
# PyTorch's own index has the build without CUDA, a tenth of the size
RUN grep '^torch==' constraints.txt > torch.txt \
    && pip install --index-url https://download.pytorch.org/whl/cpu \
       --extra-index-url https://pypi.org/simple --constraint constraints.txt "$(cat torch.txt)"
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --constraint constraints.txt '.[web,onnx]'

FROM python:3.13-slim-bookworm
RUN useradd --uid 10001 --no-create-home --no-log-init --home-dir /nonexistent --shell /usr/sbin/nologin portrayal
COPY --from=build /opt/portrayal /opt/portrayal
ENV PATH=/opt/portrayal/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /runs
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen as o; o('http://127.0.0.1:8000/health', timeout=4)"]
ENTRYPOINT ["portrayal", "serve"]
CMD ["/runs", "--host", "0.0.0.0", "--port", "8000", "--engine", "torch"]
