// Copyright 2026 The Deckyard Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"net"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsserver "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/runtime"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle"
	mutatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	validatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	mutatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/mutating"
	validatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/validating"
	genericfilters "k8s.io/apiserver/pkg/endpoints/filters"
	genericserver "k8s.io/apiserver/pkg/server"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/util/notfoundhandler"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	aggregator "k8s.io/kube-aggregator/pkg/apiserver"
	aggregatorscheme "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install" // each group is registered in legacyscheme by its install package
	_ "k8s.io/kubernetes/pkg/apis/authentication/install"
	_ "k8s.io/kubernetes/pkg/apis/authorization/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	apiserver "k8s.io/kubernetes/pkg/controlplane/apiserver"
	apiserveroptions "k8s.io/kubernetes/pkg/controlplane/apiserver/options"
	generatedopenapi "k8s.io/kubernetes/pkg/generated/openapi"
	kubeoptions "k8s.io/kubernetes/pkg/kubeapiserver/options"
)

const (
	serverName           = "deckyard"
	serviceAccountIssuer = "https://kubernetes.default.svc"
	// apiServers tells the CRD server that nobody else has to notice a new
	// definition before it is Established.
	apiServers = 1
)

// withAPIServer runs the API server for as long as next runs, and cancels next's
// context when the server ends by itself.
func (s *Server) withAPIServer(ctx context.Context, endpoint string, next func(ctx context.Context, loopback *rest.Config) error) error {
	// The server outlives ctx: what runs on top of it has to end first.
	serverCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	chain, err := s.newAPIServer(serverCtx, endpoint)
	if err != nil {
		return fmt.Errorf("create API server: %w", err)
	}
	prepared, err := chain.PrepareRun()
	if err != nil {
		return fmt.Errorf("prepare API server: %w", err)
	}
	nextCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() {
		err := prepared.Run(serverCtx)
		if err != nil {
			err = fmt.Errorf("run API server: %w", err)
			cancel(err)
		}
		ended <- err
	}()
	loopback := rest.CopyConfig(chain.GenericAPIServer.LoopbackClientConfig)
	err = next(nextCtx, loopback)
	s.letStartFinish(serverCtx, loopback)
	stop()
	if endErr := <-ended; err == nil {
		err = endErr
	}
	return err
}

// letStartFinish waits for a server that is stopped while it starts: Kubernetes ends
// the whole process when one of its start hooks is interrupted.
func (s *Server) letStartFinish(ctx context.Context, loopback *rest.Config) {
	select {
	case <-s.ready:
		return
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := waitReadyz(ctx, loopback); err != nil {
		s.options.Logger.V(1).Info("Stopping the API server before it was ready", "cause", err.Error())
	}
}

// newAPIServer links three servers, each handing on what it does not know: the
// aggregator, the native kinds, the custom resources.
func (s *Server) newAPIServer(ctx context.Context, endpoint string) (*aggregator.APIAggregator, error) {
	options, err := s.serverOptions(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	genericConfig, sharedInformers, storageFactory, err := apiserver.BuildGenericConfig(options,
		[]*runtime.Scheme{legacyscheme.Scheme, apiextensionsserver.Scheme, aggregatorscheme.Scheme},
		servedResources(), generatedopenapi.GetOpenAPIDefinitions, nil)
	if err != nil {
		return nil, err
	}
	resolver := webhook.NewDefaultServiceResolver()
	native, initializers, err := apiserver.CreateConfig(options, genericConfig, sharedInformers, nil, storageFactory, resolver, nil)
	if err != nil {
		return nil, err
	}
	authentication := webhook.NewDefaultAuthenticationInfoResolverWrapper(native.ProxyTransport,
		native.Generic.EgressSelector, native.Generic.LoopbackClientConfig, native.Generic.TracerProvider)
	custom, err := apiserver.CreateAPIExtensionsConfig(*native.Generic, native.VersionedInformers, initializers, options, apiServers, resolver, authentication)
	if err != nil {
		return nil, err
	}
	aggregated, err := apiserver.CreateAggregatorConfig(*native.Generic, options, native.VersionedInformers, resolver, native.ProxyTransport, nil, initializers)
	if err != nil {
		return nil, err
	}
	aggregated.ExtraConfig.DisableRemoteAvailableConditionController = true

	notFound := notfoundhandler.New(native.Generic.Serializer, genericfilters.NoMuxAndDiscoveryIncompleteKey)
	customServer, err := custom.Complete().New(genericserver.NewEmptyDelegateWithCustomHandler(notFound))
	if err != nil {
		return nil, err
	}
	nativeServer, err := newNativeServer(native, customServer.GenericAPIServer)
	if err != nil {
		return nil, err
	}
	return apiserver.CreateAggregatorServer(aggregated.Complete(), nativeServer.GenericAPIServer,
		customServer.Informers.Apiextensions().V1().CustomResourceDefinitions(), true, apiserver.DefaultGenericAPIServicePriorities())
}

func newNativeServer(config *apiserver.Config, next genericserver.DelegationTarget) (*apiserver.Server, error) {
	completed := config.Complete()
	server, err := completed.New(serverName, next)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config.Generic.LoopbackClientConfig)
	if err != nil {
		return nil, err
	}
	providers, err := completed.GenericStorageProviders(client.Discovery())
	if err != nil {
		return nil, err
	}
	return server, server.InstallAPIs(providers...)
}

// servedResources leaves out what has no use on one machine without nodes: each
// group costs memory, start-up time and one more watch of every collector.
func servedResources() *serverstorage.ResourceConfig {
	resources := serverstorage.NewResourceConfig()
	resources.EnableVersions(
		corev1.SchemeGroupVersion,
		admissionregistrationv1.SchemeGroupVersion,
		authenticationv1.SchemeGroupVersion,
		authorizationv1.SchemeGroupVersion,
		coordinationv1.SchemeGroupVersion,
		eventsv1.SchemeGroupVersion,
		rbacv1.SchemeGroupVersion,
	)
	return resources
}

func (s *Server) serverOptions(ctx context.Context, endpoint string) (apiserveroptions.CompletedOptions, error) {
	options := apiserveroptions.NewOptions()
	address := s.options.listenAddress()
	options.GenericServerRunOptions.AdvertiseAddress = address.IP
	options.GenericServerRunOptions.ExternalHost = address.IP.String()

	options.SecureServing.Listener = s.options.Listener
	options.SecureServing.BindPort = address.Port
	options.SecureServing.BindAddress = address.IP
	certificateFile, keyFile := s.certificates.servingFiles()
	options.SecureServing.ServerCert.CertKey.CertFile = certificateFile
	options.SecureServing.ServerCert.CertKey.KeyFile = keyFile
	options.SecureServing.MinTLSVersion = "VersionTLS13"

	options.Etcd.StorageConfig.Transport.ServerList = []string{endpoint}

	options.Authentication.Anonymous.Allow = false
	options.Authentication.ClientCert.ClientCA = s.certificates.authorityFile()
	options.Authentication.ServiceAccounts.Issuers = []string{serviceAccountIssuer}
	options.Authentication.ServiceAccounts.KeyFiles = []string{s.certificates.serviceAccountFile()}
	options.Authentication.ServiceAccounts.OptionalTokenGetter = newTokenGetter
	options.ServiceAccountSigningKeyFile = s.certificates.serviceAccountFile()
	options.Authorization.Modes = []string{"RBAC"}

	// Fair queuing protects a cluster from its many clients; here there are few.
	options.Features.EnablePriorityAndFairness = false
	options.Features.EnableProfiling = false
	options.Metrics = nil
	options.Admission.GenericAdmission.DefaultOffPlugins = unusedAdmissionPlugins()

	completed, err := options.Complete(ctx, nil, []net.IP{address.IP})
	if err != nil {
		return apiserveroptions.CompletedOptions{}, err
	}
	return completed, utilerrors.NewAggregate(completed.Validate())
}

// unusedAdmissionPlugins are all but those that act on the kinds that are served.
func unusedAdmissionPlugins() sets.Set[string] {
	used := []string{
		lifecycle.PluginName,
		mutatingpolicy.PluginName,
		validatingpolicy.PluginName,
		mutatingwebhook.PluginName,
		validatingwebhook.PluginName,
	}
	return sets.New(slices.DeleteFunc(slices.Clone(kubeoptions.AllOrderedPlugins), func(name string) bool {
		return slices.Contains(used, name)
	})...)
}
